"""Refunds and disputes, whoever made them: mirrored and told, and the same in whatever order events come."""

import itertools
import json

import pytest

from tests.fixtures.postgres import Database
from tests.fixtures.stage import Json, Stage
from tests.lab.truth import documents_must_hold

TOLD = "SELECT type, was, became FROM changes WHERE subject = $1 ORDER BY id"


@pytest.fixture
async def paid(stage: Stage) -> Json:
    """An invoice over 50.00 USD that is paid, with its payment known here."""
    return await pay(stage)


async def pay(stage: Stage, method: str = "pm_card_visa") -> Json:
    made = await stage.invoice()
    await stage.dashboard(f"invoices/{made['id']}/pay", payment_method=method)
    await stage.tell(*await stage.events())
    return await read(stage, f"invoices/{made['id']}")


async def read(stage: Stage, path: str) -> Json:
    answer = await stage.client.get(f"/v1/{path}")
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


async def payment_of(stage: Stage, invoice: Json) -> str:
    [row] = await stage.rows("SELECT payment_intent FROM invoice_payments WHERE invoice = $1", invoice["id"])
    found: str = row["payment_intent"]
    return found


async def told(stage: Stage, subject: str) -> list[tuple[str, str | None, str]]:
    return [(row["type"], row["was"], row["became"]) for row in await stage.rows(TOLD, subject)]


class Since:
    """The events from now on."""

    def __init__(self, stage: Stage, known: int) -> None:
        self._stage = stage
        self._known = known

    @classmethod
    async def now(cls, stage: Stage) -> "Since":
        await stage.calls(forget=True)
        return cls(stage, len(await stage.events()))

    async def events(self) -> list[Json]:
        return (await self._stage.events())[self._known :]

    async def tell(self) -> list[str]:
        """Deliver what happened, and return what Stripe was asked because of it."""
        events = await self.events()
        await self._stage.calls(forget=True)
        await self._stage.tell(*events)
        return await self._stage.calls()


async def test_a_refund_made_in_the_dashboard_is_mirrored_without_asking_stripe(stage: Stage, paid: Json) -> None:
    since = await Since.now(stage)
    made = await stage.dashboard("refunds", payment_intent=await payment_of(stage, paid), amount=2000)
    assert await since.tell() == []
    shown = await read(stage, f"refunds/{made['id']}")
    assert (shown["invoice"], shown["customer"]) == (paid["id"], paid["customer"])
    assert (shown["amount"], shown["currency"], shown["status"]) == (2000, "usd", "succeeded")
    assert (await read(stage, f"refunds?invoice={paid['id']}"))["data"] == [shown]
    assert await told(stage, "refund") == [("refund.created", None, "succeeded")]


async def test_a_refund_that_fails_is_told(stage: Stage) -> None:
    paid = await pay(stage, "pm_card_refundFail")
    made = await stage.dashboard("refunds", payment_intent=await payment_of(stage, paid))
    since = await Since.now(stage)
    await stage.sandbox.settle_refund(made["id"], "failed", failure_reason="expired_or_canceled_card")
    await stage.tell(*await stage.events())
    assert await since.events()
    shown = await read(stage, f"refunds/{made['id']}")
    assert (shown["status"], shown["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert (await told(stage, "refund"))[-1] == ("refund.failed", "succeeded", "failed")


async def test_the_order_of_a_refunds_events_does_not_matter(stage: Stage) -> None:
    paid = await pay(stage, "pm_card_pendingRefund")
    since = await Since.now(stage)
    made = await stage.dashboard("refunds", payment_intent=await payment_of(stage, paid))
    await stage.sandbox.settle_refund(made["id"], "succeeded")
    await stage.sandbox.settle_refund(made["id"], "failed")
    events = [event for event in await since.events() if event["type"].startswith("refund.")]
    assert {event["type"] for event in events} == {"refund.created", "refund.updated", "refund.failed"}
    for order in itertools.permutations(events):
        await stage.rows("DELETE FROM webhook_events WHERE type LIKE 'refund.%'")
        await stage.rows("DELETE FROM refunds")
        for event in order:
            await stage.tell(event, event)
        shown = await read(stage, f"refunds/{made['id']}")
        assert (shown["status"], shown["amount"]) == ("failed", 5000)


async def test_a_refund_whose_invoice_is_not_known_brings_it(stage: Stage) -> None:
    made = await stage.invoice()
    paid = await stage.dashboard(f"invoices/{made['id']}/pay", payment_method="pm_card_visa")
    [payment] = (await stage.events("invoice_payment.paid"))[-1:]
    intent = payment["data"]["object"]["payment"]["payment_intent"]
    await stage.dashboard("refunds", payment_intent=intent, amount=700)
    await stage.tell(await stage.event("refund.created"))
    assert (await read(stage, f"invoices/{made['id']}"))["status"] == paid["status"] == "paid"
    assert [refund["amount"] for refund in (await read(stage, f"refunds?payment_intent={intent}"))["data"]] == [700]


async def test_a_refund_finds_its_invoice_by_the_payment_beside_it(stage: Stage) -> None:
    made = await stage.invoice()
    await stage.dashboard(f"invoices/{made['id']}/pay", payment_method="pm_card_visa")
    intent = (await stage.event("invoice_payment.paid"))["data"]["object"]["payment"]["payment_intent"]
    refund = await stage.dashboard("refunds", payment_intent=intent, amount=700)
    events = await stage.events()
    await stage.calls(forget=True)
    await stage.tell(*reversed(events))
    assert "GET /v1/invoice_payments" not in await stage.calls()
    assert (await stage.row("refunds", refund["id"]) or {})["invoice"] == made["id"]


async def test_a_refund_of_a_payment_of_no_invoice_is_ignored(stage: Stage) -> None:
    terms = {
        "amount": 900,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "return_url": "https://shop.example/",
    }
    intent = await stage.dashboard("payment_intents", **terms)
    await stage.dashboard("refunds", payment_intent=intent["id"])
    event = await stage.event("refund.created")
    await stage.tell(event)
    assert (await stage.row("webhook_events", event["id"]) or {})["status"] == "ignored"
    assert await stage.rows("SELECT id FROM refunds") == []


async def test_a_dispute_is_mirrored_and_told_until_it_is_decided(stage: Stage, paid: Json) -> None:
    since = await Since.now(stage)
    dispute = await stage.sandbox.dispute(await payment_of(stage, paid), reason="product_not_received")
    assert await since.tell() == []
    shown = await read(stage, f"disputes/{dispute['id']}")
    assert (shown["invoice"], shown["amount"], shown["status"]) == (paid["id"], 5000, "needs_response")
    assert (shown["reason"], shown["withdrawn"], shown["is_charge_refundable"]) == ("product_not_received", True, False)
    assert shown["evidence_due_at"] > shown["created_at"]
    since = await Since.now(stage)
    await stage.sandbox.decide(dispute["id"], "won")
    assert await since.tell() == []
    shown = await read(stage, f"disputes?invoice={paid['id']}&status=won")
    assert [(one["id"], one["withdrawn"]) for one in shown["data"]] == [(dispute["id"], False)]
    assert await told(stage, "dispute") == [
        ("dispute.created", None, "needs_response"), ("dispute.closed", "needs_response", "won"),
    ]  # fmt: skip


async def test_a_dispute_in_another_currency_holds_all_of_the_payment(stage: Stage, paid: Json) -> None:
    await stage.sandbox.dispute(await payment_of(stage, paid))
    for event in await stage.events():
        if event["type"].startswith("charge.dispute."):
            event["data"]["object"] |= {"amount": 750, "currency": "jpy"}
        await stage.tell(event)
    fulfillment = await read(stage, f"invoices/{paid['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["amount_disputed"], fulfillment["amount_kept"]) == ("disputed", 5000, 0)
    refused = await stage.client.post(
        f"/v1/invoices/{paid['id']}/refunds", json={"amount": 100}, headers={"Idempotency-Key": "foreign"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_disputed")


async def test_an_appeal_of_a_lost_dispute_holds_until_it_is_decided(stage: Stage, paid: Json) -> None:
    dispute = await stage.sandbox.dispute(await payment_of(stage, paid))
    await stage.sandbox.decide(dispute["id"], "lost")
    await stage.tell(*await stage.events())
    lost = (await stage.events("charge.dispute.closed"))[-1]
    for seconds, (status, becomes) in enumerate({"appeal_under_review": "disputed", "lost": "reversed"}.items(), 1):
        appeal = json.loads(json.dumps(lost)) | {"id": f"evt_{status}", "type": "charge.dispute.updated"}
        appeal["created"] += seconds
        appeal["data"]["object"]["status"] = status
        await stage.tell(appeal)
        fulfillment = await read(stage, f"invoices/{paid['id']}/fulfillment")
        assert (fulfillment["status"], fulfillment["amount_disputed"]) == (becomes, 5000)


async def test_an_inquiry_becomes_a_dispute_in_any_order(stage: Stage, paid: Json) -> None:
    since = await Since.now(stage)
    dispute = await stage.sandbox.dispute(await payment_of(stage, paid), inquiry=True)
    await stage.sandbox.decide(dispute["id"], "escalated")
    await stage.sandbox.decide(dispute["id"], "lost")
    for event in reversed(await since.events()):
        await stage.tell(event)
    shown = await read(stage, f"disputes/{dispute['id']}")
    assert (shown["status"], shown["withdrawn"]) == ("lost", True)


async def test_an_early_fraud_warning_is_told_and_changes_nothing(stage: Stage, paid: Json) -> None:
    before = await read(stage, f"invoices/{paid['id']}")
    since = await Since.now(stage)
    await stage.sandbox.warn(await payment_of(stage, paid))
    assert await since.tell() == []
    assert await read(stage, f"invoices/{paid['id']}") == before
    [told_of] = await stage.rows("SELECT type, data FROM changes WHERE subject = 'payment' AND became <> 'succeeded'")
    assert told_of["type"] == "payment.early_fraud_warning"
    payment = json.loads(told_of["data"])["payment"]
    assert (payment["id"], payment["amount"]) == (await payment_of(stage, paid), 5000)
    assert "refund" in payment["what_to_do"]


async def test_what_came_back_stands_in_the_timeline(stage: Stage, paid: Json) -> None:
    await stage.dashboard("refunds", payment_intent=await payment_of(stage, paid), amount=2000)
    await stage.tell(*await stage.events())
    timeline = (await read(stage, f"invoices/{paid['id']}/timeline"))["data"]
    entries = {(entry["kind"], entry["what"]): entry["data"] for entry in timeline}
    assert {("event", "refund.created"), ("event", "charge.refunded"), ("refund", "succeeded")} <= entries.keys()
    assert entries["refund", "succeeded"]["amount"] == 2000


async def test_payments_are_shown_with_what_came_back_of_each(stage: Stage, paid: Json) -> None:
    intent = await payment_of(stage, paid)
    refund = await stage.dashboard("refunds", payment_intent=intent, amount=2000)
    dispute = await stage.sandbox.dispute(intent)
    await stage.tell(*await stage.events())
    [payment] = (await read(stage, f"invoices/{paid['id']}/payments"))["data"]
    assert (payment["payment_intent"], payment["status"], payment["amount_paid"]) == (intent, "paid", 5000)
    assert (payment["is_default"], payment["amount_requested"]) == (True, 5000)
    assert [one["id"] for one in payment["refunds"]] == [refund["id"]]
    assert [one["id"] for one in payment["disputes"]] == [dispute["id"]]


async def test_what_was_never_told_is_found_by_the_repair(stage: Stage, paid: Json) -> None:
    intent = await payment_of(stage, paid)
    refund = await stage.dashboard("refunds", payment_intent=intent, amount=2000)
    note = await stage.dashboard("credit_notes", invoice=paid["id"], amount=1000, credit_amount=1000)
    dispute = await stage.sandbox.dispute(intent)
    repaired = await stage.container.repairing().repair()
    assert {refund["id"], note["id"], dispute["id"]} <= set(repaired)
    await stage.sandbox.decide(dispute["id"], "lost")
    assert dispute["id"] in await stage.container.repairing().repair()
    assert (await read(stage, f"disputes/{dispute['id']}"))["status"] == "lost"
    assert await stage.container.repairing().repair() == []


async def test_the_events_alone_lead_to_what_is_stored(stage: Stage, paid: Json, database: Database) -> None:
    intent = await payment_of(stage, paid)
    await stage.dashboard("refunds", payment_intent=intent, amount=2000)
    await stage.dashboard("credit_notes", invoice=paid["id"], amount=1000, credit_amount=1000)
    await stage.sandbox.dispute(intent)
    await stage.tell(*await stage.events())
    connection = await database.connect()
    await documents_must_hold(connection)
    await connection.close()
    rebuilt = await stage.container.rebuilder().rebuild()
    assert (rebuilt.failed, [str(one) for one in rebuilt.differences]) == ([], [])


async def test_evidence_of_an_erased_customers_dispute_is_not_kept(stage: Stage, paid: Json) -> None:
    dispute = await stage.sandbox.dispute(await payment_of(stage, paid))
    evidence = {"evidence[customer_name]": "Jenny Rosenblatt", "evidence[customer_email_address]": "jr@mail.example"}
    await stage.dashboard(f"disputes/{dispute['id']}", **evidence)
    await stage.tell(*await stage.events())
    stored = "SELECT payload FROM webhook_events WHERE type LIKE 'charge.dispute%'"
    assert "Rosenblatt" in json.dumps(await stage.rows(stored))
    await stage.client.delete(f"/v1/customers/{paid['customer']}")
    kept = json.dumps(await stage.rows(stored))
    assert "Rosenblatt" not in kept
    assert "jr@mail.example" not in kept
    assert dispute["id"] in kept
