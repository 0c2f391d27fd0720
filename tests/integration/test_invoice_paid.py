import copy
import json

import pytest

from tests.fixtures.stage import Json, Stage


async def test_a_card_payment_is_fulfilled_without_asking_stripe(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    events = await stage.events()
    await stage.calls(forget=True)
    await stage.tell(*events)
    assert await stage.calls() == []
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 5000)
    assert fulfillment["payment_intent"].startswith("pi_")
    assert not fulfillment["paid_out_of_band"]


async def test_paid_delivered_first_and_five_times_is_fulfilled_once(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    events = await stage.events()
    paid = await stage.event("invoice.paid")
    await stage.tell(*[paid] * 5)
    first = await stage.fulfillment(invoice["id"])
    await stage.tell(*reversed(events))
    again = await stage.fulfillment(invoice["id"])
    assert first is not None
    assert again is not None
    assert (first["status"], first["fulfilled_at"]) == ("fulfilled", again["fulfilled_at"])
    told = await stage.rows(
        "SELECT type FROM changes WHERE invoice = $1 AND subject = 'fulfillment' ORDER BY id", invoice["id"]
    )
    # Which PaymentIntent it was is known from `invoice_payment.paid`, which came later.
    assert [row["type"] for row in told] == ["fulfillment.fulfilled", "fulfillment.updated"]


async def test_out_of_band_is_fulfilled_without_a_payment_intent(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band="true")
    await stage.tell(*await stage.events())
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert (fulfillment["status"], fulfillment["paid_out_of_band"]) == ("fulfilled", True)
    assert fulfillment["payment_intent"] is None


async def test_a_written_off_invoice_that_is_paid_after_all_is_fulfilled(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/mark_uncollectible")
    await stage.tell(*await stage.events())
    written_off = await stage.fulfillment(invoice["id"])
    assert written_off is not None
    assert written_off["status"] == "written_off"
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    fulfilled = await stage.fulfillment(invoice["id"])
    assert fulfilled is not None
    assert (fulfilled["status"], fulfilled["id"]) == ("fulfilled", written_off["id"])


def rewritten(events: list[Json], **changes: object) -> list[Json]:
    """Return copies of `events` in which every invoice says something else."""
    copies = copy.deepcopy(events)
    for event in copies:
        if event["data"]["object"]["object"] == "invoice":
            event["data"]["object"] |= changes
    return copies


async def test_more_than_was_due_fulfills_and_nothing_remains(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    overpaid = {"amount_paid": 6000, "amount_overpaid": 1000, "amount_remaining": -1000, "auto_advance": None}
    await stage.tell(*rewritten(await stage.events(), **overpaid))
    fulfillment, row = await stage.fulfillment(invoice["id"]), await stage.row("invoices", invoice["id"])
    assert fulfillment is not None
    assert row is not None
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 6000)
    assert (row["amount_remaining"], row["auto_advance"]) == (0, False)
    assert not await stage.rows("SELECT id FROM webhook_events WHERE status = 'failed'")


async def test_what_postgresql_cannot_store_in_a_text_does_not_stop_a_payment(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    texts = {
        "description": "a\0b\\u0000",
        "metadata": {"no\0te": "c\0"},
        "custom_fields": [{"name": "\0", "value": "d"}],
    }
    await stage.tell(*rewritten(await stage.events(), **texts))
    fulfillment, row = await stage.fulfillment(invoice["id"]), await stage.row("invoices", invoice["id"])
    assert fulfillment is not None
    assert row is not None
    assert fulfillment["status"] == "fulfilled"
    assert (row["description"], json.loads(row["metadata"])) == ("a\ufffdb\\u0000", {"no\ufffdte": "c\ufffd"})
    assert not await stage.rows("SELECT id FROM webhook_events WHERE status = 'failed'")
    assert (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).is_success
    assert (await stage.client.get("/v1/events")).is_success


def of_one_second(events: list[Json]) -> list[Json]:
    """Return copies of `events` that Stripe's clock cannot order, with ids that order them wrongly."""
    return [event | {"id": f"evt_{99 - place}", "created": events[0]["created"]} for place, event in enumerate(events)]


async def test_events_of_one_second_are_taken_as_they_arrived(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    events = of_one_second(await stage.events())
    await stage.calls(forget=True)
    await stage.tell(*events)
    assert await stage.calls() == []
    told = await stage.rows(
        "SELECT became FROM changes WHERE invoice = $1 AND subject = 'invoice' ORDER BY id", invoice["id"]
    )
    assert [row["became"] for row in told] == ["draft", "open", "paid"]


async def test_what_an_event_cannot_say_its_neighbours_may(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    events = of_one_second(await stage.events())
    payment = next(event for event in events if event["type"] == "invoice_payment.paid")
    await stage.calls(forget=True)
    await stage.tell(payment, *(event for event in events if event is not payment))
    assert await stage.calls() == []
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert (fulfillment["status"], fulfillment["payment_intent"]) == (
        "fulfilled",
        payment["data"]["object"]["payment"]["payment_intent"],
    )


async def test_the_event_that_did_it_stands_beside_the_change(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    for event in await stage.events():
        await stage.tell(event)
    updated = await stage.event("invoice.updated")  # comes before invoice.paid, and says as much
    caused = await stage.rows("SELECT subject, was, became FROM changes WHERE cause = $1 ORDER BY id", updated["id"])
    assert [tuple(row.values()) for row in caused] == [
        ("invoice", "open", "paid"),
        ("fulfillment", "awaiting_payment", "fulfilled"),
    ]


@pytest.mark.parametrize("backwards", [False, True], ids=["as they happened", "backwards"])
async def test_the_main_job_made_here_is_fulfilled_without_asking_stripe(stage: Stage, *, backwards: bool) -> None:
    customer = (await stage.client.post("/v1/customers", json={"name": "A", "email": "a@example.com"})).json()
    items = [{"amount": 900, "currency": "usd", "description": "one"}, {"amount": 100, "currency": "usd"}]
    terms = {"customer": customer["id"], "items": items, "days_until_due": 3}
    invoice = (await stage.client.post("/v1/invoices", json=terms)).json()
    await stage.client.post(f"/v1/invoices/{invoice['id']}/finalize")
    paid = await stage.client.post(f"/v1/invoices/{invoice['id']}/pay", json={"payment_method": "pm_card_visa"})
    assert paid.json()["status"] == "paid", paid.text
    events = await stage.events()
    await stage.calls(forget=True)
    await stage.tell(*(reversed(events) if backwards else events))
    assert await stage.calls() == []
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 1000)
