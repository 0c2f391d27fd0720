"""Operations are written as FastAPI's documentation shows; the route class keeps out whom their rules do not let in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Query
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from app.domain import access
from app.domain.access import BOOTSTRAP, Caller, CallerKind, Rule
from app.http import problems
from app.http.routing import AuthorizedRoute, operations

LACKING = Caller("a-key", CallerKind.SERVICE, frozenset({access.Scope.FEED_READ}))
PERSON = Caller("person", CallerKind.CUSTOMER, customer="cus_1")


class Payout(BaseModel):
    amount: int
    reason: str | None = None


class PayoutRead(Payout):
    id: str
    by: str


router = APIRouter(prefix="/v1/payouts", tags=["payouts"], route_class=AuthorizedRoute)


async def somebody() -> AsyncIterator[str]:
    yield "somebody"


@router.put("/{payout_id}")
async def put_payout(
    payout_id: Annotated[str, Path(max_length=5)],
    payout: Payout,
    by: Annotated[str, Depends(somebody)],
    notify: Annotated[str, Query()] = "no",
) -> PayoutRead:
    return PayoutRead(id=payout_id, by=f"{by}, {notify}", **payout.model_dump())


@router.post("/{payout_id}/stop")
def stop_payout(payout_id: str) -> dict[str, str]:
    return {"id": payout_id}


@router.get("/{payout_id}")
def get_payout(payout_id: str) -> dict[str, str]:
    return {"id": payout_id}


def client_of(caller: Caller) -> httpx.AsyncClient:
    app = FastAPI()
    app.router.routes += router.routes
    problems.install(app)

    async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "caller": caller}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(authenticated), base_url="http://x")


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("put_payout", "stop_payout", "get_payout"):
        monkeypatch.setitem(access.RULES, name, Rule(access.Scope.INVOICES_WRITE))


async def test_an_operation_as_fastapi_documents_it_works(ruled: None) -> None:
    async with client_of(BOOTSTRAP) as client:
        answer = await client.put("/v1/payouts/po_1?notify=yes", json={"amount": 5})
        assert answer.json() == {"id": "po_1", "amount": 5, "reason": None, "by": "somebody, yes"}
        assert (await client.get("/v1/payouts/po_1")).json() == {"id": "po_1"}
        assert (
            await client.put("/v1/payouts/po_1", content="{", headers={"Content-Type": "application/json"})
        ).status_code == 400
        assert (await client.put("/v1/payouts/too_long", json={})).status_code == 422


@pytest.mark.parametrize(("caller", "status"), [(LACKING, 403), (PERSON, 404)])
async def test_the_rule_is_asked_before_anything_else_of_the_request(ruled: None, caller: Caller, status: int) -> None:
    async with client_of(caller) as client:
        for body in ("{", "{}", '{"amount": 5}'):
            answer = await client.put(
                "/v1/payouts/too_long", content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 200), ("{}", 200), ("{ }\n", 200), ("\t{\r\n}", 200), (" null ", 200), ("[]", 422), ('{"why": "so"}', 422)],
)
async def test_an_operation_without_fields_takes_an_empty_object_however_it_is_written(
    ruled: None, body: str, status: int
) -> None:
    async with client_of(BOOTSTRAP) as client:
        assert (await client.post("/v1/payouts/po_1/stop", content=body)).status_code == status


async def test_an_operation_without_a_rule_is_refused_to_all() -> None:
    async with client_of(BOOTSTRAP) as client:
        assert (await client.get("/v1/payouts/po_1")).status_code == 403


def test_an_application_with_an_operation_without_a_rule_does_not_start() -> None:
    with pytest.raises(TypeError, match="put_payout has no rule"):
        operations(router)


def test_an_application_with_a_route_that_asks_no_rule_does_not_start() -> None:
    open_router = APIRouter(prefix="/v1/payouts")
    open_router.get("/{payout_id}")(get_payout)
    with pytest.raises(TypeError, match="route_class=AuthorizedRoute"):
        operations(open_router)


def test_operations_with_rules_are_served(ruled: None) -> None:
    assert operations(router) == router.routes
