"""Events: which follow from what, in which order, and how they are listed."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


@pytest.fixture
def caused(box: RunningSandbox) -> Callable[[Callable[[], object]], list[str]]:
    """The types of the events that a call causes, in order."""

    def watch(call: Callable[[], object]) -> list[str]:
        before = len(box.event_types())
        call()
        return box.event_types(before)

    return watch


Caused = Callable[[Callable[[], object]], list[str]]
FINALIZED = ["payment_intent.created", "invoice.finalized", "invoice.updated"]
PAID = [
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
    "charge.updated",
]


def test_making_things(box: RunningSandbox, caused: Caused) -> None:
    assert caused(lambda: box.v1.products.create({"id": "w", "name": "W"})) == ["product.created"]
    assert caused(lambda: box.v1.prices.create({"product": "w", "unit_amount": 1, "currency": "usd"})) == [
        "price.created"
    ]
    assert caused(lambda: box.v1.customers.create({"payment_method": "pm_card_visa"})) == [
        "customer.created",
        "payment_method.attached",
    ]


def test_drafting(box: RunningSandbox, caused: Caused, customer: stripe.Customer, draft: Drafting) -> None:
    first = caused(lambda: box.v1.invoices.create({"customer": customer.id}))
    assert first == ["customer.updated", "invoice.created"]  # the customer has got a currency
    assert caused(lambda: box.v1.invoices.create({"customer": customer.id})) == ["invoice.created"]
    pending: Any = {"customer": customer.id, "amount": 100, "currency": "usd"}
    assert caused(lambda: box.v1.invoice_items.create(pending)) == ["invoiceitem.created"]
    invoice = draft(None)
    on_draft: Any = {**pending, "invoice": invoice.id}
    assert caused(lambda: box.v1.invoice_items.create(on_draft)) == ["invoiceitem.created", "invoice.updated"]
    lines: Any = {"lines": [{"amount": 1}, {"amount": 2}]}
    assert caused(lambda: box.v1.invoices.add_lines(invoice.id, lines)) == [
        "invoiceitem.created",
        "invoiceitem.created",
        "invoice.updated",
    ]
    assert caused(lambda: box.v1.invoices.delete(invoice.id)) == ["invoice.deleted"]


def test_a_change_of_nothing_is_no_event(box: RunningSandbox, caused: Caused, customer: stripe.Customer) -> None:
    assert caused(lambda: box.v1.customers.update(customer.id, {"name": "Ada"})) == []
    assert caused(lambda: box.v1.customers.update(customer.id, {"name": "Grace"})) == ["customer.updated"]


def test_finalizing(box: RunningSandbox, caused: Caused, draft: Drafting) -> None:
    due, free = draft(1000), draft(0)
    assert caused(lambda: box.v1.invoices.finalize_invoice(due.id)) == FINALIZED
    assert caused(lambda: box.v1.invoices.finalize_invoice(free.id)) == [*FINALIZED[1:], "invoice.paid"]


def test_switches_add_the_events_the_sources_disagree_on(box: RunningSandbox, caused: Caused, draft: Drafting) -> None:
    box.switch(zero_due_emits_payment_succeeded=True, finalize_emits_updated=False, finalize_emits_sent=True)
    due, free = draft(1000), draft(0)
    assert caused(lambda: box.v1.invoices.finalize_invoice(due.id))[1:] == [
        "invoice.finalized",
        "invoice.sent",
    ]
    assert "invoice.payment_succeeded" in caused(lambda: box.v1.invoices.finalize_invoice(free.id))


def test_sending(box: RunningSandbox, caused: Caused, draft: Drafting) -> None:
    invoice = draft(1000)
    first = caused(lambda: box.v1.invoices.send_invoice(invoice.id))
    assert first == [*FINALIZED, "invoice.sent"]
    assert caused(lambda: box.v1.invoices.send_invoice(invoice.id)) == ["invoice.sent"]


def test_paying_by_card(box: RunningSandbox, caused: Caused, opened: Drafting) -> None:
    invoice = opened()
    assert caused(lambda: box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})) == PAID


def test_paying_a_draft_finalizes_it_first(box: RunningSandbox, caused: Caused, draft: Drafting) -> None:
    invoice = draft()
    types = caused(lambda: box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}))
    assert types == [*FINALIZED, *PAID]


def test_declining(box: RunningSandbox, caused: Caused, opened: Drafting) -> None:
    invoice = opened()

    def declined() -> None:
        with pytest.raises(stripe.CardError):
            box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_chargeDeclined"})

    assert caused(declined) == ["charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"]


def test_authenticating(box: RunningSandbox, caused: Caused, opened: Drafting) -> None:
    invoice = opened()
    assert invoice.payments is not None
    intent = str(invoice.payments.data[0].payment.payment_intent)
    asked = caused(lambda: box.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_threeDSecure2Required"}))
    assert asked == ["payment_intent.requires_action", "invoice.payment_action_required"]
    assert caused(lambda: box.control("POST", f"payment_intents/{intent}/authenticate")) == PAID


@pytest.mark.parametrize(
    ("ending", "expected"),
    [("settle", PAID), ("fail", ["charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"])],
)
def test_debiting(box: RunningSandbox, caused: Caused, opened: Drafting, ending: str, expected: list[str]) -> None:
    invoice = opened()
    assert invoice.payments is not None
    intent = str(invoice.payments.data[0].payment.payment_intent)
    began = caused(lambda: box.v1.payment_intents.confirm(intent, {"payment_method": "pm_usBankAccount_success"}))
    assert began == ["payment_intent.processing", "charge.pending"]
    assert caused(lambda: box.control("POST", f"payment_intents/{intent}/{ending}")) == expected


def test_paying_out_of_band_emits_no_payment_succeeded(box: RunningSandbox, caused: Caused, opened: Drafting) -> None:
    invoice = opened()
    assert caused(lambda: box.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})) == [
        "invoice.updated",
        "invoice.paid",
    ]


def test_closing(box: RunningSandbox, caused: Caused, opened: Drafting) -> None:
    one, two = opened(), opened()
    voided = caused(lambda: box.v1.invoices.void_invoice(one.id))
    assert voided == ["invoice.voided", "payment_intent.canceled"]
    assert caused(lambda: box.v1.invoices.mark_uncollectible(two.id)) == ["invoice.marked_uncollectible"]
    assert caused(lambda: box.v1.invoices.pay(two.id, {"payment_method": "pm_card_visa"})) == PAID


def test_refunding_and_crediting(box: RunningSandbox, caused: Caused, opened: Drafting) -> None:
    invoice = opened()
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    assert invoice.payments is not None
    intent = str(invoice.payments.data[0].payment.payment_intent)
    refunded = caused(lambda: box.v1.refunds.create({"payment_intent": intent, "amount": 1}))
    assert refunded == ["refund.created", "charge.refunded"]
    other = opened()
    assert caused(lambda: box.v1.credit_notes.create({"invoice": other.id, "amount": 1})) == ["credit_note.created"]


def test_an_event_shows_the_object_after_the_change_unexpanded(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    (event,) = box.get("/v1/events", type="invoice.finalized").json()["data"]
    shown = event["data"]["object"]
    assert (shown["id"], shown["status"], shown["customer"]) == (invoice.id, "open", invoice.customer)
    assert not {"payments", "confirmation_secret"} & shown.keys()
    assert "previous_attributes" not in event["data"]


def test_a_deletion_shows_the_whole_object(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft()
    box.v1.invoices.delete(invoice.id)
    (event,) = box.get("/v1/events", type="invoice.deleted").json()["data"]
    assert (event["data"]["object"]["status"], event["data"]["object"]["total"]) == ("draft", 1000)


def test_an_update_tells_what_was_there_before(box: RunningSandbox, customer: stripe.Customer) -> None:
    box.v1.customers.update(customer.id, {"name": "Grace", "metadata": {"a": "1"}})
    (event,) = box.get("/v1/events", type="customer.updated").json()["data"]
    assert event["data"]["previous_attributes"] == {"metadata": {"a": None}, "name": "Ada"}


def previous(box: RunningSandbox, kind: str) -> list[dict[str, Any]]:
    """The `previous_attributes` of events of a type, oldest first."""
    listed = box.get("/v1/events", type=kind, limit="100").json()["data"]
    return [event["data"]["previous_attributes"] for event in reversed(listed)]


def test_finalizing_and_paying_tell_all_that_was_there_before(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft()
    assert previous(box, "customer.updated") == [{"currency": None}]
    known = len(previous(box, "invoice.updated"))
    box.v1.invoices.finalize_invoice(invoice.id)
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    finalized, paid = previous(box, "invoice.updated")[known:]
    assert finalized == {
        "effective_at": None,
        "ending_balance": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "number": None,
        "rendering": {"pdf": {"page_size": "auto"}},
        "status": "draft",
        "status_transitions": {"finalized_at": None},
    }
    assert paid == {
        "amount_paid": 0,
        "amount_remaining": 1000,
        "attempt_count": 0,
        "attempted": False,
        "status": "open",
        "status_transitions": {"paid_at": None},
    }


def test_the_payment_of_an_invoice_is_told_by_no_request(box: RunningSandbox, opened: Drafting) -> None:
    box.v1.invoices.pay(opened().id, {"payment_method": "pm_card_visa"})
    (event,) = box.get("/v1/events", type="invoice_payment.paid").json()["data"]
    assert event["request"] == {"id": None, "idempotency_key": None}


def test_an_event_names_the_request_that_caused_it(box: RunningSandbox) -> None:
    answer = box.post("/v1/customers", "name=Ada", **{"Idempotency-Key": "k9"})
    (event,) = box.get("/v1/events").json()["data"]
    assert event["request"] == {"id": answer.headers["request-id"], "idempotency_key": "k9"}
    assert (event["api_version"], event["livemode"], event["object"]) == ("2026-10-28.endive", False, "event")


def test_events_are_filtered_by_type_wildcard_or_list(box: RunningSandbox, opened: Drafting) -> None:
    opened()
    assert {e.type for e in box.v1.events.list({"type": "invoice.*"}).data} == {
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
    }
    chosen = box.v1.events.list({"types": ["customer.created", "invoice.created"]}).data
    assert [e.type for e in chosen] == ["invoice.created", "customer.created"]
    for bad in ({"type": "a", "types[]": "b"}, {f"types[{n}]": "x" for n in range(21)}):
        assert box.get("/v1/events", **bad).status_code == 400


def test_events_page_and_can_be_read_alone(box: RunningSandbox, opened: Drafting) -> None:
    opened()
    every = box.v1.events.list({"limit": 100}).data
    assert [e.id for e in box.v1.events.list({"limit": 2}).auto_paging_iter()] == [e.id for e in every]
    assert box.v1.events.retrieve(every[0].id).type == every[0].type
    assert box.get("/v1/events/evt_none").status_code == 404


def test_events_are_kept_for_thirty_days(box: RunningSandbox, customer: stripe.Customer) -> None:
    (event,) = box.v1.events.list().data
    box.advance(31 * 86_400)
    assert box.v1.events.list().data == []
    assert box.get(f"/v1/events/{event.id}").status_code == 404
