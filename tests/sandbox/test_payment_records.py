"""Payment records: cheques and wires, reported and attached to invoices."""

from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox
from tests.sandbox.test_payments import intent_of

LONG_AGO = 1_700_000_000
WIRE: Any = {"type": "custom", "custom": {"display_name": "Wire"}}


def reported(box: RunningSandbox, value: int = 1000, **more: Any) -> stripe.PaymentRecord:
    sent: Any = {
        "amount_requested": {"currency": "usd", "value": value},
        "initiated_at": LONG_AGO,
        "payment_method_details": WIRE,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": LONG_AGO},
        **more,
    }
    given: Any = {name: value for name, value in sent.items() if value is not None}
    return box.v1.payment_records.report_payment(given)


def pending(box: RunningSandbox, value: int = 1000) -> stripe.PaymentRecord:
    return reported(box, value, outcome=None, guaranteed=None)


def amounts(record: stripe.PaymentRecord) -> tuple[int, int, int, int]:
    ended = (record.amount_guaranteed, record.amount_failed, record.amount_canceled, record.amount_refunded)
    guaranteed, failed, canceled, refunded = (it.value for it in ended)
    return guaranteed, failed, canceled, refunded


def test_a_payment_elsewhere_is_recorded(box: RunningSandbox, customer: stripe.Customer) -> None:
    record = reported(
        box,
        2500,
        customer_details={"customer": customer.id, "name": "Ada"},
        processor_details={"type": "custom", "custom": {"payment_reference": "CHQ-7"}},
        metadata={"branch": "Rome"},
        description="Cheque",
    )
    assert (record.amount_requested.value, amounts(record)) == (2500, (2500, 0, 0, 0))
    assert (record.reported_by, record.description) == ("self", "Cheque")
    assert record.processor_details.custom is not None
    assert record.processor_details.custom.payment_reference == "CHQ-7"
    assert box.v1.payment_records.retrieve(record.id).customer_details == record.customer_details
    assert [it["id"] for it in box.get("/v1/payment_records").json()["data"]] == [record.id]


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [("guaranteed", (1000, 0, 0, 0)), ("failed", (0, 1000, 0, 0)), ("canceled", (0, 0, 1000, 0))],
)
def test_a_payment_ends_once(box: RunningSandbox, outcome: str, ended: tuple[int, ...]) -> None:
    record = pending(box)
    path = f"/v1/payment_records/{record.id}/report_payment_attempt_{outcome}"
    form = f"{outcome}_at={LONG_AGO}&metadata[a]=b"
    assert box.post(path, form).status_code == 200
    after = box.v1.payment_records.retrieve(record.id)
    assert (amounts(after), after.metadata["a"]) == (ended, "b")
    assert "has ended already" in box.post(path, form).text


def test_a_record_pays_an_invoice_off_stripe(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(3000)
    part = box.v1.invoices.attach_payment(invoice.id, {"payment_record": reported(box, 1000).id})
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 1000, 2000)
    told = len(box.event_types())
    rest = reported(box, 2000)
    paid = box.v1.invoices.attach_payment(invoice.id, {"payment_record": rest.id, "expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_paid_off_stripe) == ("paid", 3000, 3000)
    assert box.event_types()[told:] == ["invoice.updated", "invoice.paid", "invoice_payment.paid"]
    assert box.v1.payment_intents.retrieve(intent_of(invoice)).status == "canceled"
    (found,) = box.v1.invoice_payments.list({"payment": {"type": "payment_record", "payment_record": rest.id}}).data
    assert (found.payment.type, found.payment.payment_record, found.amount_paid) == ("payment_record", rest.id, 2000)


@pytest.mark.parametrize(("outcome", "status"), [("guaranteed", "paid"), ("failed", "canceled")])
def test_an_attached_record_counts_once_it_is_guaranteed(
    box: RunningSandbox, opened: Drafting, outcome: str, status: str
) -> None:
    invoice, record = opened(1000), pending(box)
    waiting = box.v1.invoices.attach_payment(invoice.id, {"payment_record": record.id})
    assert (waiting.status, waiting.amount_paid) == ("open", 0)
    box.post(f"/v1/payment_records/{record.id}/report_payment_attempt_{outcome}", f"{outcome}_at={LONG_AGO}")
    (payment,) = box.v1.invoice_payments.list({"invoice": invoice.id, "payment": {"type": "payment_record"}}).data
    assert payment.status == status
    assert box.v1.invoices.retrieve(invoice.id).status == ("paid" if status == "paid" else "open")


def test_what_does_not_fit_cannot_be_attached(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    attached = reported(box, 100)
    box.v1.invoices.attach_payment(invoice.id, {"payment_record": attached.id})
    failed = pending(box)
    box.post(f"/v1/payment_records/{failed.id}/report_payment_attempt_failed", f"failed_at={LONG_AGO}")
    stranger = box.v1.customers.create({}).id
    wrong = [
        "pr_none",
        attached.id,
        failed.id,
        reported(box, amount_requested={"currency": "eur", "value": 100}).id,
        reported(box, customer_details={"customer": stranger}).id,
    ]
    for record in wrong:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            box.v1.invoices.attach_payment(invoice.id, {"payment_record": record})
        assert caught.value.param == "payment_record"
    both: Any = {"payment_record": pending(box).id, "payment_intent": intent_of(invoice)}
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        box.v1.invoices.attach_payment(invoice.id, both)
    assert box.v1.invoices.retrieve(invoice.id).amount_paid == 100


def test_a_refund_elsewhere_is_recorded(box: RunningSandbox) -> None:
    record = reported(box)
    path = f"/v1/payment_records/{record.id}/report_refund"
    form = "outcome=refunded&processor_details[type]=custom&processor_details[custom][refund_reference]=r1"
    form += f"&refunded[refunded_at]={LONG_AGO}"
    part = box.post(path, f"{form}&amount[currency]=usd&amount[value]=400")
    assert part.json()["amount_refunded"] == {"currency": "usd", "value": 400}
    assert box.post(path, form).json()["amount_refunded"]["value"] == 1000
    assert box.post(path, form).json()["error"]["param"] == "amount[value]"
    assert box.post(path, f"{form}&amount[currency]=eur&amount[value]=1").json()["error"]["param"] == "amount[currency]"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"amount_requested": {"currency": "usd", "value": 0}}, "amount_requested[value]"),
        ({"amount_requested": {"currency": "xyz", "value": 1}}, "amount_requested[currency]"),
        ({"initiated_at": LONG_AGO * 2}, "initiated_at"),
        ({"guaranteed": None}, "guaranteed[guaranteed_at]"),
        ({"guaranteed": {"guaranteed_at": LONG_AGO * 2}}, "guaranteed[guaranteed_at]"),
        ({"customer_details": {"customer": "cus_none"}}, "customer_details[customer]"),
        ({"payment_method_details": {"type": "custom"}}, "payment_method_details[custom][display_name]"),
    ],
)
def test_a_report_that_cannot_be_is_refused(box: RunningSandbox, more: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        reported(box, **more)
    assert caught.value.param == param
    assert box.get("/v1/payment_records").json()["data"] == []


def test_a_report_whose_answer_was_lost_is_made_once(box: RunningSandbox) -> None:
    form = f"amount_requested[currency]=usd&amount_requested[value]=5&initiated_at={LONG_AGO}"
    form += "&payment_method_details[type]=custom&payment_method_details[custom][display_name]=Cash"
    path, key = "/v1/payment_records/report_payment", {"Idempotency-Key": "report-1"}
    box.fault("drop_response", path, "POST", times=1)
    with pytest.raises(httpx.TransportError):
        box.post(path, form, **key)
    assert box.post(path, form, **key).headers["idempotent-replayed"] == "true"
    assert len(box.get("/v1/payment_records").json()["data"]) == 1
