"""Client secrets are asked of Stripe at each call: what one link or one person may ask is bounded, and asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.access.authentication import SECRETS_AT_ONCE
from app.domain.errors import StripeUnavailable
from app.invoices.joined import Joined
from tests.fixtures.caller import ITEM, Caller
from tests.fixtures.identity import IdentityProvider
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import API_KEY

MakeApp = Callable[..., Awaitable[Caller]]
Eventually = Callable[..., Awaitable[Any]]


async def link_of(api: Caller) -> str:
    """The path of a payment page's session."""
    invoice = await api.open()
    link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link")
    return f"/pay/{link['url'].rpartition('/')[2]}/session"


async def statuses(api: Caller, path: str, count: int) -> list[int]:
    answers = await asyncio.gather(*(api.client.get(path) for _ in range(count)))
    return sorted(answer.status_code for answer in answers)


async def test_a_link_may_ask_only_so_often_and_the_others_go_on(make_app: MakeApp) -> None:
    api = await make_app(rate_limit_client_secret=1.0)
    one, other = await link_of(api), await link_of(api)
    answered = await statuses(api, one, 3 * SECRETS_AT_ONCE)
    assert 0 < answered.count(200) <= SECRETS_AT_ONCE + 2
    assert set(answered) == {200, 429}
    assert await statuses(api, other, 1) == [200]


async def test_a_person_may_ask_only_so_often(
    person: Callable[[str], httpx.AsyncClient], identity_provider: IdentityProvider
) -> None:
    merchant = person(API_KEY)
    customer = await merchant.post(
        "/v1/customers", json={"name": "Jenny", "email": "jenny@example.com", "reference": "jenny"}
    )
    draft = {"customer": customer.json()["id"], "days_until_due": 1, "items": [ITEM], "finalize": True}
    invoice = (await merchant.post("/v1/invoices", json=draft)).json()["id"]
    path, jenny = f"/v1/invoices/{invoice}/client-secret", person(identity_provider.token("jenny"))
    answers = await asyncio.gather(*(jenny.get(path) for _ in range(3 * SECRETS_AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200, 429}
    assert (await merchant.get(path)).status_code == 200
    pay, declined = f"/v1/invoices/{invoice}/pay", {"payment_method": "pm_card_chargeDeclined"}
    answers = await asyncio.gather(*(jenny.post(pay, json=declined) for _ in range(SECRETS_AT_ONCE)))
    assert 429 in {answer.status_code for answer in answers}
    assert (await merchant.post(pay, json=declined)).status_code == 402


async def test_who_asks_the_same_at_the_same_time_shares_one_look_up(
    make_app: MakeApp, sandbox: Sandbox, eventually: Eventually
) -> None:
    api = await make_app()
    invoice = (await api.open())["id"]
    looking_up = api.container.client_secrets._looking_up
    await sandbox.fault("GET", "/v1/invoices/*", kind="stale_read", times=1)
    asking = [asyncio.create_task(looking_up.ask(invoice)) for _ in range(20)]

    async def asked() -> bool:
        return bool(await sandbox.requests(method="GET"))

    await eventually(asked)
    asking[0].cancel()
    await sandbox.clear_faults()
    answers = await asyncio.gather(*asking[1:])
    assert len({answer.data["confirmation_secret"]["client_secret"] for answer in answers}) == 1
    assert len(await sandbox.requests(method="GET", path="/v1/invoices/*")) == 1
    await api.get(f"/v1/invoices/{invoice}/client-secret")  # what comes later asks anew
    assert len(await sandbox.requests(method="GET", path="/v1/invoices/*")) == 2


async def test_a_failed_look_up_fails_for_all_who_shared_it_and_for_nobody_else() -> None:
    failing = asyncio.Event()

    async def look_up(name: str) -> str:
        await failing.wait()
        raise StripeUnavailable(name)

    joined = Joined(look_up)
    asking = [asyncio.create_task(joined.ask("x")) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    failing.set()
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in ended] == [asyncio.CancelledError, StripeUnavailable, StripeUnavailable]
    with pytest.raises(StripeUnavailable):
        await joined.ask("x")
