"""What Stripe answers, asked now, counts: over dates that are ahead, over a status that was final, over what is due."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.snapshot import Verdict
from app.projection import observation
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.client import Answer
from app.stripe.mapping import Kind
from tests.fixtures.stage import Json, Stage

YEAR_S = 365 * 86_400


def saying(event: Json, **changes: object) -> Json:
    return event | {"id": f"{event['id']}_said", "data": {"object": event["data"]["object"] | changes}}


async def shown(stage: Stage, invoice: Json) -> Json:
    found: Json = (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()
    return found


async def test_an_answer_wins_over_an_event_dated_a_year_ahead(stage: Stage) -> None:
    invoice = await stage.invoice(finalize=False)
    await stage.tell(*await stage.events())
    ahead = saying(await stage.event("invoice.updated"), description="ahead")
    await stage.tell(ahead | {"created": ahead["created"] + YEAR_S})
    for text in ("mine", "mine again"):
        answer = await stage.client.patch(f"/v1/invoices/{invoice['id']}", json={"description": text})
        assert (answer.status_code, answer.json()["description"]) == (200, text)
    assert (await shown(stage, invoice))["description"] == "mine again"


async def test_events_are_applied_again_after_an_answer_to_one_dated_ahead(stage: Stage) -> None:
    customer = await stage.dashboard("customers", name="One")
    await stage.tell(*await stage.events())
    ahead = saying(await stage.event("customer.created"), name="Ahead")
    await stage.tell(ahead | {"type": "customer.updated", "created": ahead["created"] + YEAR_S})
    await stage.client.patch(f"/v1/customers/{customer['id']}", json={"name": "Two"})
    await stage.sandbox.advance(5)
    await stage.dashboard(f"customers/{customer['id']}", name="Three")
    await stage.tell(await stage.event("customer.updated"))
    assert (await stage.client.get(f"/v1/customers/{customer['id']}")).json()["name"] == "Three"


@pytest.mark.parametrize("clock", [None, "clock_1"])
def test_an_object_of_a_test_clock_has_its_own_time(clock: str | None) -> None:
    now, made = datetime.now(UTC).replace(microsecond=0), 1_700_000_000
    answer = Answer(
        data={
            "id": "cus_1",
            "object": "customer",
            "created": made,
            "livemode": False,
            "test_clock": clock,
            "metadata": {},
        },
        since=now,
        until=now,
        replayed=False,
        request_id=None,
    )
    version = observation.snapshot_of(Kind.CUSTOMER, answer).version
    expected = datetime.fromtimestamp(made, UTC) if clock else now
    assert (version.timeless, version.since, version.until) == (clock is not None, expected, expected)


async def believed_paid(stage: Stage) -> Json:
    """An invoice that is paid here and open at Stripe."""
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    paid = {"status": "paid", "amount_paid": 5000, "amount_remaining": 0, "attempted": True}
    finalized = await stage.event("invoice.finalized")
    await stage.tell(saying(finalized, **paid) | {"type": "invoice.paid"})
    assert (await shown(stage, invoice))["status"] == "paid"
    return invoice


async def test_a_paid_invoice_that_stripe_opens_again_is_open(stage: Stage) -> None:
    invoice = await believed_paid(stage)
    await stage.sandbox.advance(10)
    updated = await stage.event("invoice.finalized")
    await stage.tell(updated | {"id": "evt_reopened", "type": "invoice.updated", "created": updated["created"] + 10})
    found = await shown(stage, invoice)
    assert (found["status"], found["amount_remaining"]) == ("open", 5000)
    assert found["fulfillment"]["status"] == "reversed"
    told = await stage.rows(
        "SELECT type FROM changes WHERE invoice = $1 AND subject = 'invoice' ORDER BY id DESC LIMIT 1", invoice["id"]
    )
    assert told == [{"type": "invoice.reopened"}]


async def test_an_older_event_opens_no_paid_invoice_and_asks_nothing(stage: Stage) -> None:
    invoice = await believed_paid(stage)
    old = await stage.event("invoice.finalized")
    await stage.calls(forget=True)
    await stage.tell(old | {"id": "evt_old", "type": "invoice.updated", "created": old["created"] - 10})
    assert (await shown(stage, invoice))["status"] == "paid"
    assert await stage.calls() == []


async def test_what_stripe_opened_again_is_found_by_the_repair(stage: Stage) -> None:
    invoice = await believed_paid(stage)
    await stage.sandbox.advance(60)
    assert await stage.container.repairing().repair() == [invoice["id"]]
    assert (await shown(stage, invoice))["status"] == "open"


@pytest.mark.parametrize(("method", "act"), [("POST", "void"), ("GET", "client-secret")])
async def test_what_is_paid_here_alone_can_be_voided_and_paid(stage: Stage, method: str, act: str) -> None:
    invoice = await believed_paid(stage)
    answer = await stage.client.request(method, f"/v1/invoices/{invoice['id']}/{act}")
    assert answer.status_code == 200
    assert (await shown(stage, invoice))["status"] == ("void" if act == "void" else "open")


async def test_a_credit_note_on_an_open_invoice_is_seen_with_its_event(stage: Stage) -> None:
    invoice = await stage.invoice(amount=1000)
    await stage.tell(*await stage.events())
    note = await stage.dashboard("credit_notes", invoice=invoice["id"], amount=400)
    await stage.tell(await stage.event("credit_note.created"))
    found = await shown(stage, invoice)
    assert (found["amount_due"], found["amount_remaining"]) == (600, 600)
    await stage.dashboard(f"credit_notes/{note['id']}/void")
    await stage.tell(await stage.event("credit_note.voided"))
    assert (await shown(stage, invoice))["amount_remaining"] == 1000


async def test_whoever_asks_for_a_client_secret_sees_what_will_be_charged(stage: Stage) -> None:
    invoice = await stage.invoice(amount=1000)
    await stage.tell(*await stage.events())
    path = f"/v1/invoices/{invoice['id']}/client-secret"
    assert (await stage.client.get(path)).status_code == 200
    await stage.dashboard("credit_notes", invoice=invoice["id"], amount=400)
    assert (await stage.client.get(path)).status_code == 200
    assert (await shown(stage, invoice))["amount_remaining"] == 600
    await stage.calls(forget=True)
    assert (await stage.client.get(path)).status_code == 200
    assert await stage.calls() == [f"GET /v1/invoices/{invoice['id']}"]


async def test_a_credit_note_of_an_unknown_invoice_brings_it(stage: Stage) -> None:
    invoice = await stage.invoice(amount=1000)
    await stage.dashboard("credit_notes", invoice=invoice["id"], amount=1000)
    await stage.tell(await stage.event("credit_note.created"))
    found = await shown(stage, invoice)
    assert (found["settled_by"], found["fulfillment"]["status"]) == ("credit_note", "canceled")


async def test_a_year_ahead_is_not_what_makes_an_answer_old(stage: Stage) -> None:
    """An answer that a newer event overtook stays old."""
    invoice = await stage.invoice(finalize=False)
    await stage.tell(*await stage.events())
    newer = saying(await stage.event("invoice.updated"), description="newer")
    await stage.tell(newer | {"created": int((datetime.now(UTC) + timedelta(seconds=60)).timestamp())})
    answer = await stage.container.gateway.get(f"/v1/invoices/{invoice['id']}")
    subject = Subject(Kind.INVOICE, invoice["id"])
    async with stage.container.database.unit_of_work() as connection:
        unit = await UnitOfWork.of(connection, [subject])
        assert unit.apply(observation.snapshot_of(Kind.INVOICE, answer)) is Verdict.STALE
    assert (await shown(stage, invoice))["description"] == "newer"
