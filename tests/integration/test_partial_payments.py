"""Invoices paid in parts: what each part is reported as, which PaymentIntent paid, and that only the last part fulfills."""

import itertools
import json

import pytest

from tests.fixtures.stage import Json, Stage


async def pay_part(stage: Stage, invoice: Json, amount: int, method: str = "pm_card_visa") -> Json:
    """Pay a part, as the Dashboard's "Charge customer" does: by a PaymentIntent beside the invoice's own."""
    terms = {"amount": amount, "currency": invoice["currency"], "customer": invoice["customer"]}
    intent = await stage.dashboard("payment_intents", **terms)
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=intent["id"])
    return await stage.dashboard(
        f"payment_intents/{intent['id']}/confirm", payment_method=method, return_url="https://shop.example/"
    )


async def read(stage: Stage, invoice: Json) -> tuple[Json, Json]:
    """The invoice and its fulfillment, as the API answers them."""
    path = f"/v1/invoices/{invoice['id']}"
    return (await stage.client.get(path)).json(), (await stage.client.get(f"{path}/fulfillment")).json()


@pytest.fixture
async def invoice(stage: Stage) -> Json:
    """An invoice over 50.00 USD whose own PaymentIntent is known here."""
    made = await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.client.get(f"/v1/invoices/{made['id']}/client-secret")
    await stage.container.repairing().repair()
    return made


async def test_a_part_is_told_and_fulfills_nothing(stage: Stage, invoice: Json) -> None:
    await pay_part(stage, invoice, 2000)
    await stage.tell(*await stage.events())
    shown, fulfillment = await read(stage, invoice)
    assert (shown["status"], shown["amount_paid"], shown["amount_remaining"]) == ("open", 2000, 3000)
    assert fulfillment["status"] == "awaiting_payment"
    timeline = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    assert "only 20.00 USD of 50.00 USD is paid" in timeline["unpaid_because"]


@pytest.mark.parametrize("order", [0, 1, -1], ids=["as they happened", "backwards", "payments first"])
async def test_the_last_part_fulfills_and_the_payment_intent_shown_is_one_that_paid(
    stage: Stage, invoice: Json, order: int
) -> None:
    parts = [await pay_part(stage, invoice, amount) for amount in (2000, 3000)]
    events = await stage.events()
    if order:
        events.reverse()
    if order < 0:
        events.sort(key=lambda event: event["type"] != "invoice_payment.paid")
    for event in events:
        await stage.tell(event)
    shown, fulfillment = await read(stage, invoice)
    assert (shown["status"], shown["amount_paid"], shown["amount_remaining"]) == ("paid", 5000, 0)
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 5000)
    assert fulfillment["payment_intent"] == max(part["id"] for part in parts)
    assert not fulfillment["paid_out_of_band"]


async def test_what_was_paid_in_parts_and_never_told_is_found_by_the_repair(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.container.repairing().repair()
    part = await pay_part(stage, invoice, 5000)
    await stage.container.repairing().repair()
    _, fulfillment = await read(stage, invoice)
    assert (fulfillment["status"], fulfillment["payment_intent"]) == ("fulfilled", part["id"])


async def test_a_debit_of_a_part_that_settles_is_processing_no_more(stage: Stage, invoice: Json) -> None:
    part = await pay_part(stage, invoice, 2000, "pm_usBankAccount_success")
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))[1]["status"] == "processing"
    await stage.sandbox.settle(part["id"])
    events = await stage.events()
    for told in itertools.islice(itertools.permutations(events[-5:]), 6):
        await stage.tell(*told)
    shown, fulfillment = await read(stage, invoice)
    assert (shown["amount_paid"], fulfillment["status"]) == (2000, "awaiting_payment")


async def test_the_rest_may_be_paid_by_the_invoices_own_payment_intent(stage: Stage, invoice: Json) -> None:
    part = await pay_part(stage, invoice, 2000)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*reversed(await stage.events()))
    shown, fulfillment = await read(stage, invoice)
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 5000)
    assert fulfillment["payment_intent"] in {part["id"], shown["payment_intent"]}
    assert shown["payment_intent"] != part["id"]


async def test_the_rest_may_be_paid_out_of_band(stage: Stage, invoice: Json) -> None:
    part = await pay_part(stage, invoice, 2000)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band="true")
    await stage.tell(*await stage.events())
    _, fulfillment = await read(stage, invoice)
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 5000)
    assert (fulfillment["paid_out_of_band"], fulfillment["payment_intent"]) == (True, part["id"])


@pytest.mark.parametrize("act", ["void", "mark_uncollectible"])
async def test_stripe_s_refusal_to_close_what_is_being_paid_in_parts_reaches_the_caller(
    stage: Stage, invoice: Json, act: str
) -> None:
    await pay_part(stage, invoice, 2000, "pm_usBankAccount_processing")
    answer = await stage.client.post(f"/v1/invoices/{invoice['id']}/{act.replace('_', '-')}")
    assert (answer.status_code, answer.json()["code"]) == (422, "stripe_invalid_request")
    assert "payments cannot be" in answer.json()["detail"]


async def test_a_part_that_another_api_version_tells_of_is_processing_no_more(stage: Stage, invoice: Json) -> None:
    part = await pay_part(stage, invoice, 2000, "pm_usBankAccount_success")
    await stage.tell(*await stage.events())
    await stage.sandbox.advance(2)
    await stage.sandbox.settle(part["id"])
    await stage.tell(await stage.event("invoice_payment.paid") | {"api_version": "2020-08-27"})
    shown, fulfillment = await read(stage, invoice)
    assert (shown["amount_paid"], fulfillment["status"]) == (2000, "awaiting_payment")
    assert (part["id"], 2000) in {(it["payment_intent"], it["amount"]) for it in fulfillment["payment_attempts"]}


async def test_a_part_that_is_reported_as_fraud_is_told_with_its_own_amount(stage: Stage, invoice: Json) -> None:
    part = await pay_part(stage, invoice, 2000)
    await pay_part(stage, invoice, 3000)
    await stage.tell(*await stage.events())
    await stage.sandbox.warn(part["id"])
    await stage.tell(*await stage.events())
    [row] = await stage.rows(
        "SELECT data -> 'payment' ->> 'amount' AS amount FROM changes WHERE became = 'early_fraud_warning'"
    )
    assert row["amount"] == "2000"


async def test_a_payer_of_a_part_is_asked_for_the_part_alone(stage: Stage, invoice: Json) -> None:
    part = await pay_part(stage, invoice, 2000, "pm_card_threeDSecure2Required")
    await stage.tell(*await stage.events())
    [row] = await stage.rows("SELECT data -> 'payment' AS told FROM changes WHERE type = 'payment.action_required'")
    told = json.loads(row["told"])
    assert (told["id"], told["amount"]) == (part["id"], 2000)
