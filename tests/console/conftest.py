"""The operator's console inside the test's own process, over the database of the service beside it.

`visitor`    httpx against the console, as a browser on its own pages: `await visitor.login(key)`, `.get(path)`,
             `.post(path, **form)`; cookies are kept.
`make_visitor` another one, with other settings: `await make_visitor(environment="production")`.
`stocked`    a service with a paid, an open and a failed invoice, an ignored and a dead event: `.paid`, `.open`, `.dead`,
             and an action and a delivery that were given up, `.action`, `.delivery`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.admin.application import create_console
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.caller import Caller
from tests.fixtures.service import API_KEY
from tests.fixtures.stage import Stage

Json = dict[str, Any]
URL = "http://console.test"
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


class Visitor:
    """Somebody at the console's pages."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(f"/console/{path}", params=params)

    async def page(self, path: str, **params: Any) -> str:
        answer = await self.get(path, **params)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.text

    async def post(self, path: str, headers: dict[str, str] = FROM_HERE, **form: Any) -> httpx.Response:
        return await self.client.post(f"/console/{path}", data=form, headers=headers)

    async def login(self, key: str = API_KEY) -> httpx.Response:
        return await self.post("login", key=key)

    async def is_in(self) -> bool:
        return (await self.get("")).status_code == 200


MakeVisitor = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def make_visitor(settings: Settings) -> AsyncIterator[MakeVisitor]:
    async with contextlib.AsyncExitStack() as stack:

        async def make(**changes: Any) -> Visitor:
            console = create_console(settings.model_copy(update=changes))
            await stack.enter_async_context(running(console))
            transport = httpx.ASGITransport(console)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=URL))
            return Visitor(client)

        yield make


@pytest.fixture
async def visitor(make_visitor: MakeVisitor) -> Visitor:
    return await make_visitor()


@pytest.fixture
async def operator(visitor: Visitor) -> Visitor:
    """A visitor who is logged in with all rights."""
    assert (await visitor.login()).status_code == 303
    return visitor


@dataclass(frozen=True)
class Stocked:
    """What there is to see."""

    stage: Stage
    api: Caller
    paid: Json
    open: Json
    dead: str
    action: str
    delivery: str

    async def key(self, *scopes: str) -> Json:
        return await self.api.post("/v1/api-keys", {"name": "a person", "scopes": list(scopes)})


@pytest.fixture
async def stocked(stage: Stage, api: Caller) -> Stocked:
    customer = await api.customer(email="jenny.rosen@example.com", name="Jenny Rosen", phone="+15550100")
    paid = await api.paid(customer=customer["id"], description="Spring order")
    opened = await api.open(customer=customer["id"])
    await stage.tell(*await stage.events())
    dead = (await stage.event("invoice.finalized"))["id"]
    await stage.rows(
        "UPDATE webhook_events SET status = 'dead', attempts = 8, last_error = 'It went wrong.', next_attempt_at = NULL"
        " WHERE id = $1",
        dead,
    )
    await stage.rows(
        "INSERT INTO fulfillment_actions (id, fulfillment, invoice, action, moment, status, attempts, reason,"
        " next_attempt_at, finished_at) SELECT 'act_of_a_test', id, invoice, 'email', 'fulfilled', 'dead', 14,"
        " 'The mail server refused it.', NULL, now() FROM fulfillments WHERE invoice = $1",
        paid["id"],
    )
    await stage.rows(
        "INSERT INTO webhook_endpoints (id, url, types, ordered, secrets, position, change) VALUES"
        " ('we_of_a_test', 'https://hear.example/of/it', '{}', false, '[{\"sealed\": \"not for your eyes\"}]', 0, 0)"
    )
    await stage.rows(
        "INSERT INTO deliveries (id, endpoint, event, type, in_order, status, attempts, next_attempt_at)"
        " VALUES ('dlv_of_a_test', 'we_of_a_test', 'evt_of_a_test', 'invoice.paid', false, 'dead', 9, NULL)"
    )
    return Stocked(stage, api, paid, opened, dead, "act_of_a_test", "dlv_of_a_test")
