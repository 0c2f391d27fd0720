"""Answers of Stripe's that are older than their arrival: they change nothing that was said meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.payments.lookup import InvoiceRefresh
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.mapping import Kind, ObservationWindow, snapshot
from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Json, Stage

Eventually = Callable[..., Awaitable[Any]]


async def held(stage: Stage, path: str, eventually: Eventually, work: Awaitable[None]) -> asyncio.Task[None]:
    """`work`, up to where its GET of `path` has its answer, which is held until `clear_faults`."""
    await stage.sandbox.fault("GET", path, kind="stale_read", times=1)

    async def run() -> None:
        await work

    running = asyncio.create_task(run())

    async def asked() -> bool:
        return any(entry.get("fault") == "stale_read" for entry in await stage.sandbox.requests(method="GET"))

    await eventually(asked)
    return running


async def a_late_lookup_does_not_overwrite_a_newer_word(stage: Stage, eventually: Eventually, *, told: bool) -> None:
    """A card is declined, the page asks, and while the answer travels the customer pays by debit.

    told: the webhook about the debit comes before the answer. The lab breaks what this rests on.
    """
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    events = await stage.events()
    await stage.tell(*events)
    following = InvoiceRefresh(stage.container.database, stage.container.gateway)
    asking = await held(stage, "/v1/payment_intents/*", eventually, following.catch_up(invoice["id"]))
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_usBankAccount_success")
    debit = (await stage.events())[len(events) :]
    if told:
        await stage.tell(*debit)
    await asyncio.sleep(1.1)  # until Stripe dates its answer to another second than the debit
    await stage.sandbox.clear_faults()
    await asking
    if not told:
        await stage.tell(*debit)
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["status"] == "processing"


@pytest.mark.parametrize("told", [True, False], ids=["the webhook first", "the answer first"])
async def test_a_late_lookup_does_not_overwrite_a_newer_word(
    stage: Stage, eventually: Eventually, *, told: bool
) -> None:
    await a_late_lookup_does_not_overwrite_a_newer_word(stage, eventually, told=told)


async def test_an_older_picture_does_not_change_which_payment_is_shown(stage: Stage) -> None:
    made = await stage.invoice()
    seen = (await stage.container.gateway.get(f"/v1/invoices/{made['id']}", {"expand": ["payments"]})).data
    now = datetime.now(UTC)
    subject = Subject(Kind.INVOICE, made["id"])

    def picture(intent: str, age_s: int, **more: Any) -> Any:
        [payment] = seen["payments"]["data"]
        paid = payment | {"id": f"inpay_{intent}", "payment": {"type": "payment_intent", "payment_intent": intent}}
        at = now - timedelta(seconds=age_s)
        return snapshot(Kind.INVOICE, seen | {"payments": {"data": [paid | more]}}, ObservationWindow(at, at))

    async def apply(taken: Any) -> Json:
        async with stage.container.database.unit_of_work() as connection:
            unit = await UnitOfWork.of(connection, [subject])
            unit.apply(taken)
            await unit.flush()
        row = await stage.row("invoices", made["id"])
        assert row is not None
        return row

    assert (await apply(picture("pi_new", 10)))["payment_intent"] == "pi_new"
    assert (await apply(picture("pi_old", 500)))["payment_intent"] == "pi_new"
    links = await stage.rows("SELECT payment_intent, is_default FROM invoice_payments ORDER BY 1")
    assert [tuple(link.values()) for link in links] == [("pi_new", True), ("pi_old", False)]
    assert (await apply(picture("pi_newest", 1)))["payment_intent"] == "pi_newest"


RESOURCES = {"products": {"name": "A", "reference": "r"}, "customers": {"name": "Jenny", "reference": "r"}}


@pytest.mark.parametrize("resource", RESOURCES)
async def test_an_object_deleted_before_its_creates_answer_is_named(
    live: Caller, sandbox: Sandbox, eventually: Eventually, resource: str
) -> None:
    path, body, key = f"/v1/{resource}", RESOURCES[resource], {"Idempotency-Key": "one"}
    await sandbox.fault("POST", path, kind="stale_read", times=1)
    creating = asyncio.create_task(live.send("POST", path, body, headers=key))

    async def made() -> Any:
        return (await sandbox.state()).get(resource[:-1])

    [there] = await eventually(made)
    await sandbox.dashboard.delete(f"{path}/{there['id']}")
    await live.settled()
    await sandbox.clear_faults()
    answer = await creating
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert there["id"] in answer.json()["detail"]
    again = await live.refused("POST", path, 404, "not_found", body, headers=key)
    assert again["detail"] == answer.json()["detail"]
    assert (await live.post(path, body))["reference"] == "r"  # it is free
