import asyncio
import json
from itertools import permutations
from typing import Any

import pytest

from app.projection import observation
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.mapping import Kind
from tests.fixtures.stage import Stage


def as_of(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return event | {"data": {"object": event["data"]["object"] | changes}}


async def content(stage: Stage, invoice: str) -> tuple[object, ...]:
    row = await stage.row("invoices", invoice)
    assert row is not None
    return row["status"], row["description"], row["amount_due"]


async def test_a_burst_of_one_second_ends_with_what_stripe_has_in_every_order(stage: Stage) -> None:
    invoice = await stage.invoice(finalize=False)
    path = f"invoices/{invoice['id']}"
    for text in ("one", "two", "three"):
        await stage.dashboard(path, description=text)
    updates = (await stage.events("invoice.updated"))[-3:]
    second = updates[0]["created"]
    for number, order in enumerate(permutations(updates)):
        await stage.tell(*(event | {"created": second, "id": f"{event['id']}_{number}"} for event in order))
        assert await content(stage, invoice["id"]) == ("draft", "three", 5000)


async def test_an_older_status_that_comes_late_changes_nothing(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/void")
    voided, *older = reversed(await stage.events("invoice.voided", "invoice.finalized", "invoice.updated"))
    await stage.tell(voided)
    await stage.calls(forget=True)
    await stage.tell(*older)
    assert await content(stage, invoice["id"]) == ("void", None, 5000)
    assert await stage.calls() == []


async def test_an_answer_overtaken_by_a_newer_change_does_not_undo_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is held back until somebody else applied what happened after it."""
    invoice = await stage.invoice(finalize=False)
    path = f"invoices/{invoice['id']}"
    await stage.dashboard(path, description="old")
    await stage.tell(*await stage.events("invoice.created"))
    observe, overtaken = observation.observe, asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        answer = await observe(*arguments)
        if not overtaken.is_set():
            overtaken.set()
            await stage.dashboard(path, description="new")
            await observation.take_over(
                stage.container.database, stage.container.gateway, Subject(Kind.INVOICE, invoice["id"]), "test"
            )
        return answer

    monkeypatch.setattr(observation, "observe", slow)
    (changed,) = (await stage.events("invoice.updated"))[-1:]
    await stage.tell(as_of(changed, description="tie") | {"created": invoice["created"]})
    await stage.tell(as_of(changed, description="tie too") | {"id": "evt_tie", "created": invoice["created"]})
    assert overtaken.is_set()
    assert await content(stage, invoice["id"]) == ("draft", "new", 5000)


async def test_the_eleventh_line_of_a_draft_is_not_overlooked(stage: Stage) -> None:
    invoice = await stage.invoice(finalize=False)
    item = {"customer": invoice["customer"], "invoice": invoice["id"], "amount": 100, "currency": "usd"}
    for number in range(11):
        await stage.dashboard("invoiceitems", description=f"item {number}", **item)
    last = await stage.dashboard("invoiceitems", description="the last", **item)
    await stage.tell(*await stage.events())
    await stage.dashboard(f"invoiceitems/{last['id']}", description="changed")
    changed = (await stage.events("invoice.updated"))[-1]
    await stage.tell(changed | {"id": "evt_later", "created": changed["created"] + 5})
    found = await stage.rows("SELECT description FROM invoice_items WHERE invoice = $1", invoice["id"])
    assert len(found) == 13
    assert "changed" in {row["description"] for row in found}


async def test_what_was_deleted_before_it_was_known_stays_deleted(stage: Stage) -> None:
    customer = await stage.dashboard("customers", name="Gone")
    created = await stage.event("customer.created")
    await stage.sandbox.dashboard.delete(f"/v1/customers/{customer['id']}")
    gone = as_of(await stage.event("customer.deleted")) | {
        "data": {"object": {"id": customer["id"], "object": "customer", "deleted": True}}
    }
    await stage.tell(gone)
    await stage.tell(created)
    answer = await stage.client.get(f"/v1/customers/{customer['id']}")
    assert answer.status_code == 404


async def test_a_draft_deleted_at_stripe_stays_deleted_whatever_comes_later(stage: Stage) -> None:
    invoice = await stage.invoice(finalize=False)
    await stage.sandbox.dashboard.delete(f"/v1/invoices/{invoice['id']}")
    events = await stage.events()
    await stage.tell(*reversed(events))
    row = await stage.row("invoices", invoice["id"])
    assert row is not None
    assert row["deleted_at"] is not None
    assert await stage.fulfillment(invoice["id"]) is None


async def test_an_event_of_another_api_version_is_fetched_not_misread(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_usBankAccount_success")
    events = [
        event
        | {"api_version": "2020-08-27", "data": {"object": {k: event["data"]["object"][k] for k in ("id", "object")}}}
        for event in await stage.events("invoice.finalized", "payment_intent.processing")
    ]
    await stage.tell(*events)
    assert (await content(stage, invoice["id"]))[0] == "open"
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["status"] == "processing"


async def test_a_customer_not_known_here_is_fetched_and_no_event_waits_for_it(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.sandbox.fault("GET", f"/v1/customers/{invoice['customer']}", status=500, times=3)
    await stage.tell(await stage.event("invoice.finalized"))
    assert (await content(stage, invoice["id"]))[0] == "open"
    other = await stage.invoice()
    await stage.tell(await stage.event("invoice.finalized"))
    await stage.worker._processor.settled()
    customer = await stage.row("customers", other["customer"])
    assert customer is not None
    assert customer["name"] == "Jenny Rosen"


async def test_an_invoice_not_known_here_is_fetched_for_its_payment(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    await stage.tell(await stage.event("payment_intent.payment_failed"))
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert (fulfillment["status"], fulfillment["failure_code"]) == ("payment_failed", "card_declined")


async def test_a_payment_of_no_invoice_is_ignored(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    event = as_of(await stage.event("payment_intent.payment_failed"), id="pi_of_somebody_else")
    await stage.tell(event)
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    assert row["status"] == "ignored"


def half_done(unit: UnitOfWork, invoice: dict[str, Any]) -> None:
    unit.fulfillments.count_attempt(invoice)
    raise KeyError


async def test_half_an_event_is_never_kept(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.tell(await stage.event("invoice.finalized"))
    subject = Subject(Kind.INVOICE, invoice["id"])
    async with stage.container.database.unit_of_work() as connection:
        unit = await UnitOfWork.of(connection, [subject])
        row = unit.row(subject)
        assert row is not None
        with pytest.raises(KeyError), unit.all_or_nothing():
            half_done(unit, row)
        await unit.flush()
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["attempts"] == 0


async def test_an_event_of_a_connected_account_is_none_of_ours(stage: Stage) -> None:
    await stage.invoice()
    event = await stage.event("invoice.finalized")
    await stage.deliver(event | {"account": "acct_of_another"})
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    assert row["status"] == "ignored"
    assert json.loads(row["payload"])["account"] == "acct_of_another"
