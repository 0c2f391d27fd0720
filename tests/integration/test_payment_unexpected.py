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


async def told(stage: Stage) -> list[Json]:
    return await stage.rows(
        "SELECT data -> 'payment' ->> 'what_to_do' AS advice FROM changes WHERE type = 'payment_unexpected'"
    )


@pytest.mark.parametrize("first", ["voided", "arrived"])
async def test_money_for_a_voided_invoice_is_told_in_whatever_order(stage: Stage, first: str) -> None:
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
