"""Money that arrives although the invoice was voided or paid out of band: told once, with what to do."""

import pytest

from tests.fixtures.stage import Json, Stage

DEBIT = "pm_usBankAccount_processing"


async def under_way(stage: Stage) -> tuple[Json, str]:
    """An invoice with a bank debit under way, and its PaymentIntent."""
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method=DEBIT)
    await stage.tell(*await stage.events())
    return invoice, str((await stage.event("payment_intent.processing"))["data"]["object"]["id"])


async def arrived(stage: Stage, intent: str, *, later_s: int = 0) -> Json:
    """The event by which Stripe tells that the money of `intent` arrived, which nobody could stop."""
    event = await stage.event("payment_intent.processing")
    money = event["data"]["object"] | {"id": intent, "status": "succeeded", "amount_received": 5000}
    at = event["created"] + later_s
    return event | {"id": "evt_arrived", "type": "payment_intent.succeeded", "created": at, "data": {"object": money}}


async def refunded(stage: Stage, intent: str, amount: int = 5000) -> Json:
    """The event of the refund that `payment_unexpected` advises."""
    event = await arrived(stage, intent, later_s=90)
    refund: Json = {
        "id": "re_back",
        "object": "refund",
        "payment_intent": intent,
        "charge": "ch_1",
        "status": "succeeded",
    }
    refund |= {"amount": amount, "currency": "usd", "reason": None, "metadata": {}, "created": event["created"]}
    return event | {"id": "evt_refunded", "type": "refund.created", "data": {"object": refund}}


async def told(stage: Stage) -> list[Json]:
    return await stage.rows(
        "SELECT data -> 'payment' ->> 'what_to_do' AS advice FROM changes WHERE type = 'payment_unexpected'"
    )


@pytest.mark.parametrize("first", ["voided", "arrived"])
async def test_money_for_a_voided_invoice_is_told_in_whatever_order(stage: Stage, first: str) -> None:
    await stage.sandbox.switch(processing_can_be_voided=True)
    invoice, intent = await under_way(stage)
    await stage.dashboard(f"invoices/{invoice['id']}/void")
    events = [*await stage.events("invoice.voided"), await arrived(stage, intent, later_s=60)]
    for event in events if first == "voided" else reversed(events):
        await stage.tell(event)
    fulfillment = (await stage.client.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json()
    assert fulfillment["status"] == "canceled"
    (noted,) = [entry for entry in fulfillment["history"] if entry["what"] == "payment_unexpected"]
    assert (noted["payment_intent"], noted["amount"]) == (intent, 5000)
    (said,) = await told(stage)
    assert said["advice"].startswith(f"Refund {intent} at Stripe")
    timeline = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    assert f"50.00 USD arrived all the same: refund {intent} at Stripe." in timeline["unpaid_because"]


async def test_money_for_an_invoice_that_was_paid_out_of_band_is_told_once(stage: Stage) -> None:
    invoice, intent = await under_way(stage)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band=True)
    await stage.tell(*await stage.events())
    assert not await told(stage)
    event = await arrived(stage, intent, later_s=60)
    await stage.tell(event, event | {"id": "evt_again"})
    assert len(await told(stage)) == 1
    assert (await stage.client.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json()["status"] == "fulfilled"


async def test_money_that_is_an_invoices_is_expected(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    assert not await told(stage)


async def test_money_of_no_invoice_is_ignored_without_asking_stripe(stage: Stage) -> None:
    await under_way(stage)
    event = await arrived(stage, "pi_ofNoInvoice")
    await stage.calls(forget=True)
    await stage.tell(event)
    assert await stage.calls() == []
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    assert row["status"] == "ignored"


@pytest.mark.parametrize("first", ["arrived", "refunded"])
async def test_giving_back_what_nobody_owed_takes_nothing_from_what_was_paid_out_of_band(
    stage: Stage, first: str
) -> None:
    invoice, intent = await under_way(stage)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band=True)
    await stage.tell(*await stage.events())
    arrival, refund = await arrived(stage, intent, later_s=60), await refunded(stage, intent)
    path = f"/v1/invoices/{invoice['id']}"
    if first == "arrived":
        await stage.tell(arrival)
        fulfillment = (await stage.client.get(f"{path}/fulfillment")).json()
        assert (fulfillment["amount_paid"], fulfillment["amount_kept"]) == (10_000, 10_000)
        assert (await stage.client.get(f"{path}/timeline")).json()["next_step"] == "refund_payment"
    for event in (arrival, refund) if first == "arrived" else (refund, arrival):
        await stage.tell(event)
    fulfillment = (await stage.client.get(f"{path}/fulfillment")).json()
    assert (fulfillment["status"], fulfillment["amount_refunded"], fulfillment["amount_kept"]) == (
        "fulfilled",
        5000,
        5000,
    )
    assert (await stage.client.get(f"{path}/timeline")).json()["next_step"] == "none"
    note = {"amount": 5000, "out_of_band_amount": 5000}
    answer = await stage.client.post(f"{path}/credit-notes", json=note)
    assert answer.status_code == 201, answer.text
    await stage.tell(*await stage.events("credit_note.created"))
    fulfillment = (await stage.client.get(f"{path}/fulfillment")).json()
    assert (fulfillment["status"], fulfillment["amount_kept"]) == ("reversed", 0)


async def test_the_timeline_asks_for_no_refund_that_was_made(stage: Stage) -> None:
    await stage.sandbox.switch(processing_can_be_voided=True)
    invoice, intent = await under_way(stage)
    await stage.dashboard(f"invoices/{invoice['id']}/void")
    await stage.tell(*await stage.events("invoice.voided"), await arrived(stage, intent, later_s=60))
    await stage.tell(await refunded(stage, intent, 4000))
    path = f"/v1/invoices/{invoice['id']}/timeline"
    assert "arrived all the same" in (await stage.client.get(path)).json()["unpaid_because"]
    event = await refunded(stage, intent, 1000)
    other = event["data"]["object"] | {"id": "re_rest"}
    await stage.tell(event | {"id": "evt_rest", "data": {"object": other}})
    timeline = (await stage.client.get(path)).json()
    assert (timeline["unpaid_because"], timeline["next_step"]) == ("It was voided: nobody owes it.", "none")


async def test_a_part_that_stripe_counts_though_it_is_too_much_is_expected(stage: Stage) -> None:
    """Stripe credits it to the customer's balance: who refunded it as well would give it back twice."""
    invoice = await stage.invoice()
    terms = {"amount": 2000, "currency": "usd", "customer": invoice["customer"]}
    part = await stage.dashboard("payment_intents", **terms)
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=part["id"])
    await stage.dashboard(
        f"payment_intents/{part['id']}/confirm", payment_method=DEBIT, return_url="https://shop.example/"
    )
    await stage.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band=True)
    await stage.tell(*await stage.events())
    await stage.sandbox.advance(60)
    await stage.sandbox.settle(part["id"])
    await stage.tell(*await stage.events())
    assert (await stage.event("invoice.overpaid"))["data"]["object"]["amount_overpaid"] == 2000
    assert not await told(stage)
    path = f"/v1/invoices/{invoice['id']}"
    fulfillment = (await stage.client.get(f"{path}/fulfillment")).json()
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 7000)
    assert (await stage.client.get(f"{path}/timeline")).json()["next_step"] == "none"


async def test_a_payment_that_was_detached_before_the_void_is_not_to_be_refunded(stage: Stage) -> None:
    """It may pay another invoice by now."""
    invoice = await stage.invoice()
    await stage.pay_and_detach(invoice["id"])
    await stage.dashboard(f"invoices/{invoice['id']}/void")
    await stage.tell(*await stage.events())
    assert not await told(stage)
    assert (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()["next_step"] == "none"


async def test_money_for_an_invoice_that_a_credit_note_had_covered_is_told(stage: Stage) -> None:
    invoice, intent = await under_way(stage)
    await stage.dashboard("credit_notes", invoice=invoice["id"], amount=5000)
    await stage.tell(*await stage.events())
    await stage.tell(await arrived(stage, intent, later_s=60))
    assert len(await told(stage)) == 1
    path = f"/v1/invoices/{invoice['id']}"
    assert (await stage.client.get(f"{path}/fulfillment")).json()["status"] == "canceled"
    assert (await stage.client.get(f"{path}/timeline")).json()["next_step"] == "refund_payment"


async def test_what_stripe_credits_to_the_balance_fulfills_no_invoice_that_a_credit_note_covered(stage: Stage) -> None:
    invoice, intent = await under_way(stage)
    await stage.dashboard("credit_notes", invoice=invoice["id"], amount=5000)
    await stage.tell(*await stage.events())
    await stage.sandbox.settle(intent)
    await stage.tell(*await stage.events())
    path = f"/v1/invoices/{invoice['id']}"
    shown = (await stage.client.get(path)).json()
    assert (shown["amount_paid"], shown["amount_overpaid"], shown["settled_by"]) == (5000, 5000, "credit_note")
    assert (await stage.client.get(f"{path}/fulfillment")).json()["status"] == "canceled"
    assert not await told(stage)
