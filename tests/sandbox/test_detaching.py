"""Detaching payments: a paid invoice is open again, and its PaymentIntent is free."""

from typing import Any

import pytest

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox
from tests.sandbox.test_payments import attach, intent_of


def detach(box: RunningSandbox, invoice: str, intent: str) -> dict[str, Any]:
    answer = box.post(f"/v1/invoices/{invoice}/detach_payment", f"payment_intent={intent}&expand[]=payments")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_a_paid_invoice_is_open_again_with_a_new_payment(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    paid_by = intent_of(invoice)
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    told = len(box.event_types())
    after = detach(box, invoice.id, paid_by)
    assert (after["status"], after["amount_paid"], after["amount_remaining"]) == ("open", 0, 1000)
    assert after["status_transitions"]["paid_at"] is None
    (payment,) = after["payments"]["data"]
    assert (payment["is_default"], payment["status"], payment["amount_requested"]) == (True, "open", 1000)
    assert payment["payment"]["payment_intent"] != paid_by
    assert box.event_types()[told:] == ["invoice_payment.detached", "invoice.updated", "payment_intent.created"]
    (updated,) = box.v1.events.list({"type": "invoice.updated", "limit": 1}).data
    assert updated.to_dict()["data"]["previous_attributes"]["status"] == "paid"
    assert box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).status == "paid"


def test_a_detached_payment_can_pay_another_invoice(box: RunningSandbox, opened: Drafting) -> None:
    first, second = opened(1000), opened(3000)
    box.v1.invoices.pay(first.id, {"payment_method": "pm_card_visa"})
    detach(box, first.id, intent_of(first))
    moved = box.v1.invoices.attach_payment(second.id, {"payment_intent": intent_of(first)})
    assert (moved.status, moved.amount_paid, moved.amount_remaining) == ("open", 1000, 2000)


def test_a_part_that_is_detached_remains_to_be_paid(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000)
    part, unpaid = attach(box, invoice, 2000), attach(box, invoice, 500)
    box.v1.payment_intents.confirm(part.id, {"payment_method": "pm_card_visa", "return_url": "https://example.com/"})
    after = detach(box, invoice.id, unpaid.id)
    assert (after["amount_paid"], after["amount_remaining"]) == (2000, 3000)
    after = detach(box, invoice.id, part.id)
    assert (after["status"], after["amount_paid"], after["amount_remaining"]) == ("open", 0, 5000)
    assert [it["amount_requested"] for it in after["payments"]["data"]] == [5000]


def test_one_part_of_a_paid_invoice_reopens_it_for_that_part(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000)
    parts = [attach(box, invoice, 2000), attach(box, invoice, 3000)]
    for part in parts:
        box.v1.payment_intents.confirm(
            part.id, {"payment_method": "pm_card_visa", "return_url": "https://example.com/"}
        )
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"
    after = detach(box, invoice.id, parts[1].id)
    assert (after["status"], after["amount_paid"], after["amount_remaining"]) == ("open", 2000, 3000)
    default = [it for it in after["payments"]["data"] if it["is_default"]]
    assert [(it["status"], it["amount_requested"]) for it in default] == [("open", 3000)]
    assert box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).amount_paid == 5000


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ("", "payment_intent"),
        ("payment_intent=pi_none", "payment_intent"),
        ("payment_intent={stranger}", "payment_intent"),
        ("payment_intent={default}", "payment_intent"),
        ("payment_record=pr_1", "payment_record"),
    ],
)
def test_what_is_not_attached_cannot_be_detached(box: RunningSandbox, opened: Drafting, sent: str, param: str) -> None:
    invoice, other = opened(), opened()
    filled = sent.format(stranger=intent_of(other), default=intent_of(invoice))
    answer = box.post(f"/v1/invoices/{invoice.id}/detach_payment", filled)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_void_invoice_has_nothing_to_detach(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    box.v1.invoices.void_invoice(invoice.id)
    answer = box.post(f"/v1/invoices/{invoice.id}/detach_payment", f"payment_intent={intent_of(invoice)}")
    assert answer.status_code == 400
