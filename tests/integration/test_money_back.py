"""What becomes of a fulfillment when the money comes back: the table of docs/contributing/lifecycle.md, by Stripe's own events.

Each case is told as it happened and backwards, each event twice, and again; each moment is reached once. Stripe is asked
nothing, but about an invoice that was credited.
"""

from collections.abc import Awaitable, Callable
from itertools import permutations

import pytest

from app.projection import observation
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.mapping import Kind
from tests.fixtures.mail import MailServer
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Json, Stage
from tests.integration.test_confirmation_mail import MakeApp, opened

PAID = 5000
RETURN = "https://shop.example"
Case = Callable[[Stage, Json, str], Awaitable[None]]


async def paid(stage: Stage, method: str = "pm_card_visa") -> tuple[Json, str]:
    """An invoice over 50.00 USD that is paid, with its PaymentIntent known here; its actions are counted."""
    await stage.rows("INSERT INTO configured_actions (action) VALUES ('count') ON CONFLICT DO NOTHING")
    made = await stage.invoice()
    await stage.dashboard(f"invoices/{made['id']}/pay", payment_method=method)
    await stage.tell(*await stage.events())
    [row] = await stage.rows("SELECT payment_intent FROM invoice_payments WHERE invoice = $1", made["id"])
    return made, row["payment_intent"]


async def read(stage: Stage, invoice: Json) -> Json:
    return dict((await stage.client.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json())


async def moments(stage: Stage) -> list[str]:
    rows = await stage.rows("SELECT split_part(moment, ':', 1) AS moment FROM fulfillment_actions ORDER BY 1")
    return [row["moment"] for row in rows]


def money(fulfillment: Json) -> tuple[str, int, int, int, int]:
    names = ("amount_refunded", "amount_credited", "amount_disputed", "amount_kept")
    refunded, credited, disputed, kept = (fulfillment[name] for name in names)
    return fulfillment["status"], refunded, credited, disputed, kept


async def refund_of_a_part(stage: Stage, _invoice: Json, intent: str) -> None:
    await stage.dashboard("refunds", payment_intent=intent, amount=2000)


async def refunds_of_all(stage: Stage, _invoice: Json, intent: str) -> None:
    await stage.dashboard("refunds", payment_intent=intent, amount=2000)
    await stage.dashboard("refunds", payment_intent=intent, amount=3000)


async def refund_that_failed(stage: Stage, _invoice: Json, intent: str) -> None:
    made = await stage.dashboard("refunds", payment_intent=intent)
    await stage.sandbox.settle_refund(made["id"], "failed")


async def credit_on_the_balance(stage: Stage, invoice: Json, _intent: str) -> None:
    await stage.dashboard("credit_notes", invoice=invoice["id"], amount=1500, credit_amount=1500)


async def credit_of_all_by_refund(stage: Stage, invoice: Json, _intent: str) -> None:
    await stage.dashboard("credit_notes", invoice=invoice["id"], amount=5000, refund_amount=5000)


async def credit_out_of_band(stage: Stage, invoice: Json, _intent: str) -> None:
    await stage.dashboard("credit_notes", invoice=invoice["id"], amount=5000, out_of_band_amount=5000)


async def dispute(stage: Stage, _invoice: Json, intent: str) -> None:
    await stage.sandbox.dispute(intent)


async def inquiry(stage: Stage, _invoice: Json, intent: str) -> None:
    await stage.sandbox.dispute(intent, inquiry=True)


async def dispute_won(stage: Stage, _invoice: Json, intent: str) -> None:
    await stage.sandbox.decide((await stage.sandbox.dispute(intent))["id"], "won")


async def dispute_lost(stage: Stage, _invoice: Json, intent: str) -> None:
    await stage.sandbox.decide((await stage.sandbox.dispute(intent))["id"], "lost")


CASES: dict[Case, tuple[str, int, int, int, int]] = {
    refund_of_a_part: ("fulfilled", 2000, 0, 0, 3000),
    refunds_of_all: ("reversed", 5000, 0, 0, 0),
    refund_that_failed: ("fulfilled", 0, 0, 0, 5000),
    credit_on_the_balance: ("fulfilled", 0, 1500, 0, 3500),
    credit_of_all_by_refund: ("reversed", 0, 5000, 0, 0),
    credit_out_of_band: ("reversed", 0, 5000, 0, 0),
    dispute: ("disputed", 0, 0, 5000, 0),
    inquiry: ("fulfilled", 0, 0, 0, 5000),
    dispute_won: ("fulfilled", 0, 0, 0, 5000),
    dispute_lost: ("reversed", 0, 0, 5000, 0),
}
CREDITS = {credit_on_the_balance, credit_of_all_by_refund, credit_out_of_band}
"""Stripe is asked for the invoice where its own event came in the same second, or has not come."""
REACHED: dict[Case, list[str]] = {
    refund_of_a_part: ["fulfilled", "partly_reversed"],
    refunds_of_all: ["fulfilled", "partly_reversed", "reversed"],
    refund_that_failed: ["fulfilled", "reinstated", "reversed"],
    credit_on_the_balance: ["fulfilled", "partly_reversed"],
    credit_of_all_by_refund: ["fulfilled", "reversed"],
    credit_out_of_band: ["fulfilled", "reversed"],
    dispute: ["disputed", "fulfilled"],
    inquiry: ["fulfilled"],
    dispute_won: ["disputed", "fulfilled", "reinstated"],
    dispute_lost: ["disputed", "fulfilled", "reversed"],
}
"""The moments that are reached where events come as they happened."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("backwards", [False, True], ids=["as it happened", "backwards"])
async def test_a_fulfillment_follows_the_money_in_whatever_order(stage: Stage, case: Case, *, backwards: bool) -> None:
    invoice, intent = await paid(stage)
    known = len(await stage.events())
    await case(stage, invoice, intent)
    events = (await stage.events())[known:]
    await stage.calls(forget=True)
    for event in reversed(events) if backwards else events:
        await stage.tell(event, event)
    asked = {f"GET /v1/invoices/{invoice['id']}"} if case in CREDITS else set()
    if case is credit_on_the_balance:  # the balance is shown with the customer, whose event came in the same second
        asked.add(f"GET /v1/customers/{invoice['customer']}")
    assert set(await stage.calls()) <= asked
    fulfillment = await read(stage, invoice)
    assert money(fulfillment) == CASES[case]
    assert (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()["status"] == "paid"
    if not backwards:
        assert await moments(stage) == REACHED[case]
    before = await moments(stage), fulfillment["history"]
    for event in events:
        await stage.client.post(f"/v1/webhook-events/{event['id']}/replay", headers={"Idempotency-Key": event["id"]})
    await stage.work()
    assert (await moments(stage), (await read(stage, invoice))["history"]) == before


async def test_history_names_what_when_and_by_which_event(stage: Stage) -> None:
    invoice, intent = await paid(stage)
    await refunds_of_all(stage, invoice, intent)
    events = await stage.events("refund.created")
    await stage.tell(*events)
    entries = (await read(stage, invoice))["history"]
    assert [(it["what"], it["amount_refunded"]) for it in entries[-2:]] == [
        ("partly_reversed", 2000),
        ("reversed", 5000),
    ]
    assert [it["cause"] for it in entries[-2:]] == [event["id"] for event in events]
    timeline = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    assert timeline["unpaid_because"] == "It was paid, and the money came back: 50.00 USD refunded of 50.00 USD."


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_the_order_of_paying_and_refunding_does_not_matter(stage: Stage, order: tuple[int, ...]) -> None:
    made = await stage.invoice()
    await stage.dashboard(f"invoices/{made['id']}/pay", payment_method="pm_card_visa")
    intent = (await stage.event("payment_intent.succeeded"))["data"]["object"]["id"]
    await refunds_of_all(stage, made, intent)
    events = [await stage.event("invoice.paid"), *await stage.events("refund.created")]
    for position in order:
        await stage.tell(events[position])
    assert money(await read(stage, made)) == ("reversed", 5000, 0, 0, 0)


async def test_a_debit_that_is_returned_reverses(stage: Stage) -> None:
    invoice, intent = await paid(stage, "pm_usBankAccount_dispute")
    await stage.sandbox.settle(intent)
    await stage.tell(*await stage.events())
    fulfillment = await read(stage, invoice)
    assert fulfillment["status"] in {"disputed", "reversed"}
    assert (fulfillment["amount_disputed"], fulfillment["amount_kept"]) == (PAID, 0)


@pytest.mark.parametrize("first", ["invoice.paid", "invoice.updated"])
async def test_a_payment_that_is_detached_reverses_in_whatever_order(stage: Stage, first: str) -> None:
    await stage.rows("INSERT INTO configured_actions (action) VALUES ('count')")
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    intent = (await stage.event("payment_intent.succeeded"))["data"]["object"]["id"]
    await stage.dashboard(f"invoices/{invoice['id']}/detach_payment", payment_intent=intent)
    was_paid, opened_again = await stage.event("invoice.paid"), await stage.event("invoice.updated")
    assert opened_again["data"]["object"]["status"] == "open"
    events = [was_paid | {"created": was_paid["created"] - 60}, opened_again]
    for event in sorted(events, key=lambda it: it["type"] != first):
        await stage.tell(event)
    fulfillment = await read(stage, invoice)
    assert (fulfillment["status"], fulfillment["amount_paid"], fulfillment["amount_kept"]) == ("reversed", 0, 0)
    assert [entry["what"] for entry in fulfillment["history"]][-2:] == ["fulfilled", "reversed"]
    assert await moments(stage) == ["fulfilled", "reversed"]


async def test_each_refund_is_confirmed_by_a_mail_of_its_own(
    make_app: MakeApp, sandbox: Sandbox, mail: MailServer
) -> None:
    async with opened(make_app, sandbox, smtp_port=mail.port, smtp_security="none") as shop:
        invoice, intent = await paid(shop)
        await shop.performer.announce()
        for amount in (2000, 3000):
            await shop.dashboard("refunds", payment_intent=intent, amount=amount)
            await shop.tell(*await shop.events("refund.created"))
            await shop.performer.drain()
        subjects = [message.parsed["Subject"] for message in mail.messages]
        number = invoice["number"]
        assert subjects[-2:] == [f"You get money back: invoice {number}", f"Your order is canceled: invoice {number}"]
        assert "We refunded $20.00" in mail.messages[-2].part("plain")
        assert "We refunded $50.00" in mail.messages[-1].part("html")


async def test_a_credit_note_is_told_by_a_mail(make_app: MakeApp, sandbox: Sandbox, mail: MailServer) -> None:
    async with opened(make_app, sandbox, smtp_port=mail.port, smtp_security="none") as shop:
        invoice, intent = await paid(shop)
        await credit_on_the_balance(shop, invoice, intent)
        await shop.tell(*await shop.events())
        await shop.performer.drain()
        assert "We credited $15.00 to you." in mail.messages[-1].part("plain")


async def test_a_dispute_is_not_mailed_unless_that_is_configured(
    make_app: MakeApp, sandbox: Sandbox, mail: MailServer
) -> None:
    async with opened(make_app, sandbox, smtp_port=mail.port, smtp_security="none") as shop:
        invoice, intent = await paid(shop)
        await shop.performer.drain()
        sent = len(mail.messages)
        await dispute(shop, invoice, intent)
        await shop.tell(*await shop.events())
        await shop.performer.drain()
        [skipped] = [
            job for job in await shop.jobs() if job["moment"].startswith("disputed") and job["action"] == "email"
        ]
        assert (skipped["status"], skipped["reason"]) == ("skipped", "MAIL_MOMENTS does not list disputed.")
        assert len(mail.messages) == sent


@pytest.mark.parametrize("first", ["refunded", "detached"])
async def test_what_came_back_of_a_detached_payment_is_not_held_against_the_next_one(stage: Stage, first: str) -> None:
    invoice, intent = await paid(stage)

    async def refund() -> None:
        await stage.dashboard("refunds", payment_intent=intent)

    async def detach() -> None:
        await stage.sandbox.advance(2)
        await stage.dashboard(f"invoices/{invoice['id']}/detach_payment", payment_intent=intent)

    for act in (refund, detach) if first == "refunded" else (detach, refund):
        await act()
        await stage.tell(*await stage.events())
    assert money(await read(stage, invoice)) == ("reversed", 0, 0, 0, 0)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    assert money(await read(stage, invoice)) == ("fulfilled", 0, 0, 0, 5000)
    answer = await stage.client.post(f"/v1/invoices/{invoice['id']}/refunds")
    assert (answer.status_code, answer.json()["amount"]) == (201, 5000)


async def test_a_detached_payment_that_pays_another_invoice_does_not_count_against_the_first_one(stage: Stage) -> None:
    first, intent = await paid(stage)
    second = await stage.invoice(customer=first["customer"])
    await stage.dashboard("refunds", payment_intent=intent, amount=2000)
    await stage.tell(*await stage.events())
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{first['id']}/detach_payment", payment_intent=intent)
    await stage.dashboard(f"invoices/{second['id']}/attach_payment", payment_intent=intent)
    await stage.tell(*await stage.events())
    assert money(await read(stage, first)) == ("reversed", 0, 0, 0, 0)
    await stage.dashboard(f"invoices/{first['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    payments = (await stage.client.get(f"/v1/invoices/{first['id']}/payments")).json()["data"]
    [again] = [one["payment_intent"] for one in payments if one["status"] == "paid"]
    await stage.dashboard("refunds", payment_intent=again, amount=1000)
    await stage.dashboard("refunds", payment_intent=intent, amount=500)
    await stage.tell(*await stage.events())
    assert money(await read(stage, first)) == ("fulfilled", 1000, 0, 0, 4000)
    assert (await read(stage, second))["amount_refunded"] == 500


async def test_what_a_detached_payment_takes_along_is_told_with_the_event_that_detached_it(stage: Stage) -> None:
    invoice, intent = await paid(stage)
    await stage.dashboard("refunds", payment_intent=intent, amount=2000)
    await stage.tell(*await stage.events())
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{invoice['id']}/detach_payment", payment_intent=intent)
    subject = Subject(Kind.INVOICE, invoice["id"])
    known = await stage.row("invoices", invoice["id"])
    assert known is not None
    seen = await observation.observe(stage.container.gateway, subject, over=known["revision"])
    async with stage.container.database.unit_of_work() as connection:
        unit = await UnitOfWork.of(connection, [subject], cause="evt_detached")
        unit.apply(seen)
        unit.follow(subject)
        unit.cause = "evt_of_another_invoice"
        await unit.flush()
    fulfillment = await read(stage, invoice)
    assert (fulfillment["status"], fulfillment["amount_refunded"]) == ("reversed", 0)
    assert [entry["cause"] for entry in fulfillment["history"][-2:]] == ["evt_detached"] * 2


@pytest.mark.parametrize("backwards", [False, True], ids=["at once", "backwards"])
async def test_of_a_payment_and_the_detached_one_before_only_the_first_can_be_refunded(
    stage: Stage, *, backwards: bool
) -> None:
    invoice, intent = await paid(stage)
    await stage.dashboard("refunds", payment_intent=intent, amount=2000)
    await stage.tell(*await stage.events())
    known = len(await stage.events())
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{invoice['id']}/detach_payment", payment_intent=intent)
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    events = (await stage.events())[known:]
    if backwards:
        for event in reversed(events):
            await stage.tell(event)
    else:
        await stage.tell(*events)
    assert money(await read(stage, invoice)) == ("fulfilled", 0, 0, 0, 5000)
    answer = await stage.client.post(f"/v1/invoices/{invoice['id']}/refunds")
    assert (answer.status_code, answer.json()["amount"]) == (201, 5000)


async def test_a_payment_that_is_told_after_it_was_detached_is_no_invoices_money(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    intent = (await stage.event("payment_intent.succeeded"))["data"]["object"]["id"]
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{invoice['id']}/detach_payment", payment_intent=intent)
    for event in reversed(await stage.events()):
        await stage.tell(event)
    [row] = await stage.rows("SELECT status FROM invoice_payments WHERE payment_intent = $1", intent)
    assert row["status"] == "canceled"


async def test_a_payment_belongs_to_the_invoice_that_it_paid_last(stage: Stage) -> None:
    first = await stage.invoice()
    second = await stage.invoice(customer=first["customer"])
    made = await stage.dashboard("payment_intents", amount=2000, currency="usd", customer=first["customer"])
    await stage.dashboard(f"invoices/{first['id']}/attach_payment", payment_intent=made["id"])
    await stage.dashboard(f"payment_intents/{made['id']}/confirm", payment_method="pm_card_visa", return_url=RETURN)
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{first['id']}/detach_payment", payment_intent=made["id"])
    await stage.dashboard(f"invoices/{second['id']}/attach_payment", payment_intent=made["id"])
    for event in reversed(await stage.events()):
        await stage.tell(event)
    [row] = await stage.rows("SELECT invoice, status, amount_paid FROM invoice_payments WHERE status = 'paid'")
    assert row == {"invoice": second["id"], "status": "paid", "amount_paid": 2000}


async def test_reading_a_refund_again_for_its_document_keeps_the_fulfillment(stage: Stage) -> None:
    invoice, intent = await paid(stage)
    await refund_of_a_part(stage, invoice, intent)
    await stage.tell(*await stage.events())
    before, [refund] = await read(stage, invoice), await stage.rows("SELECT id FROM refunds")
    await stage.container.documents()._fetch(Subject(Kind.REFUND, refund["id"]))
    assert await read(stage, invoice) == before
