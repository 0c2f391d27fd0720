"""Everything that happened to an invoice in one call, and why it is unpaid."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from app.domain.unpaid_reason import Standing, unpaid_because
from tests.fixtures.stage import Stage


async def made_here(stage: Stage) -> str:
    customer = (await stage.client.post("/v1/customers", json={"name": "A", "email": "a@example.com"})).json()
    terms = {"customer": customer["id"], "items": [{"amount": 900, "currency": "usd"}], "days_until_due": 3}
    invoice = (await stage.client.post("/v1/invoices", json=terms)).json()
    finalized = await stage.client.post(f"/v1/invoices/{invoice['id']}/finalize")
    assert finalized.status_code == 200, finalized.text
    return str(invoice["id"])


async def test_the_timeline_tells_requests_calls_events_transitions_and_fulfillment_oldest_first(stage: Stage) -> None:
    invoice = await made_here(stage)
    refused = {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"}
    assert (await stage.client.post(f"/v1/invoices/{invoice}/pay", json=refused)).status_code == 402
    await stage.tell(*await stage.events())
    found = (await stage.client.get(f"/v1/invoices/{invoice}/timeline")).json()
    assert (found["status"], found["fulfillment"]) == ("open", "payment_failed")
    assert "insufficient_funds" in found["unpaid_because"]
    entries = [(entry["kind"], entry["what"]) for entry in found["data"]]
    assert [entry["at"] for entry in found["data"]] == sorted(entry["at"] for entry in found["data"])
    assert ("request", "create_invoice") in entries
    assert ("stripe_call", "finalize") in entries
    assert ("event", "invoice.payment_failed") in entries
    assert ("event", "payment_intent.payment_failed") in entries
    assert ("transition", "open") in entries
    assert ("fulfillment", "payment_failed") in entries
    refusal = next(entry for entry in found["data"] if entry["what"] == "pay_invoice")
    assert refusal["data"]["refused"] == "payment_failed"
    opened = next(entry for entry in found["data"] if (entry["kind"], entry["what"]) == ("transition", "open"))
    finalizing = next(entry for entry in found["data"] if entry["what"] == "finalize_invoice")
    assert opened["data"]["cause"] == finalizing["data"]["operation"]
    assert entries.index(("request", "create_invoice")) < entries.index(("event", "invoice.finalized"))


async def test_the_calls_of_one_create_stand_in_the_order_in_which_they_were_made(stage: Stage) -> None:
    customer = (await stage.client.post("/v1/customers", json={"name": "A", "email": "a@example.com"})).json()
    items = [{"amount": 900, "currency": "usd"}]
    wanted = {"customer": customer["id"], "items": items, "days_until_due": 3, "finalize": True}
    invoice = (await stage.client.post("/v1/invoices", json=wanted)).json()
    await stage.tell(*reversed(await stage.events()))
    await stage.rows("UPDATE webhook_events SET created_at = (SELECT min(created_at) FROM webhook_events)")
    found = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    calls = [entry["what"] for entry in found["data"] if entry["kind"] == "stripe_call"]
    assert calls == ["create", "items", "finalize"]


async def test_events_that_came_together_stand_in_the_order_in_which_they_came(stage: Stage) -> None:
    invoice = await stage.invoice()
    told = await stage.events("invoice.created", "invoice.updated", "invoice.finalized")
    bodies = [json.dumps(event) for event in told]
    stored = await asyncio.gather(*(stage.post(body) for body in bodies))
    assert {answer.status_code for answer in stored} == {200}
    await stage.work()
    found = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    events = [entry["data"]["event"] for entry in found["data"] if entry["kind"] == "event"]
    assert events == [event["id"] for event in told]


async def test_once_fulfilled_there_is_nothing_left_to_explain(stage: Stage) -> None:
    invoice = await made_here(stage)
    await stage.client.post(f"/v1/invoices/{invoice}/pay", json={"paid_out_of_band": True})
    await stage.tell(*await stage.events())
    found = (await stage.client.get(f"/v1/invoices/{invoice}/timeline")).json()
    assert (found["fulfillment"], found["unpaid_because"]) == ("fulfilled", None)


async def test_an_invoice_that_is_not_known_has_no_timeline(stage: Stage) -> None:
    answer = await stage.client.get("/v1/invoices/in_none/timeline")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": "draft"}, "It is still a draft: finalize it, so that it can be paid."),
        ({"status": "draft", "refused": ("x", None)}, "It is still a draft, because Stripe refused to finalize it: x. Correct what it names, then finalize it again."),
        ({"status": "draft", "deleted": True}, "The draft was deleted."),
        ({"status": "void"}, "It was voided: nobody owes it."),
        ({"status": "uncollectible"}, "It was written off as uncollectible; it can still be paid."),
        ({"status": "paid", "waiting": 2}, "It is paid, and its fulfillment is about to follow. 2 of its events wait to be processed."),
        ({"fulfillment": "processing", "under_way": True}, "A payment is processing and has not settled yet."),
        ({"due_at": datetime(2026, 1, 1, tzinfo=UTC)}, "It is open, and nobody has tried to pay it yet. It was due on 2026-01-01."),
        ({"due_at": datetime(2027, 1, 1, tzinfo=UTC)}, "It is open, and nobody has tried to pay it yet. It is due on 2027-01-01."),
        ({"fulfillment": "payment_failed", "attempts": 3}, "It is open, and the last of 3 attempts to pay it failed: Stripe gave no reason."),
        ({"paid": "1.00 USD of 5.00 USD"}, "It is open, and only 1.00 USD of 5.00 USD is paid."),
        ({"dead": 1}, "It is open, and nobody has tried to pay it yet. 1 of its events failed for good: look at them, then replay them."),
        ({"status": "paid", "fulfillment": "fulfilled"}, None),
    ],
)  # fmt: skip
def test_why_it_is_unpaid(changes: dict[str, object], told: str | None) -> None:
    known = {
        "status": "open", "deleted": False, "due_at": None, "fulfillment": None, "attempts": 0, "failure": None,
        "waiting": 0, "dead": 0,
    }  # fmt: skip
    assert unpaid_because(Standing(**(known | changes)), datetime(2026, 6, 1, tzinfo=UTC)) == told  # type: ignore[arg-type]
