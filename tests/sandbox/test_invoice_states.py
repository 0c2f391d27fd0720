"""The state machine: what each state allows, and Stripe's words where it does not."""

from collections.abc import Callable

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox

NOT_OPEN = "You can only pass in open invoices. This invoice isn't open."


@pytest.fixture
def at(box: RunningSandbox, draft: Drafting, opened: Drafting) -> Callable[[str], stripe.Invoice]:
    """An invoice in the state asked for."""

    def make(state: str) -> stripe.Invoice:
        invoices = box.v1.invoices
        match state:
            case "draft":
                return draft()
            case "open":
                return opened()
            case "paid":
                return invoices.pay(opened().id, {"payment_method": "pm_card_visa"})
            case "void":
                return invoices.void_invoice(opened().id)
            case _:
                return invoices.mark_uncollectible(opened().id)

    return make


ALLOWED = [
    ("draft", "finalize", "open"),
    ("draft", "send", "open"),
    ("draft", "pay", "paid"),
    ("open", "send", "open"),
    ("open", "pay", "paid"),
    ("open", "void", "void"),
    ("open", "mark_uncollectible", "uncollectible"),
    ("uncollectible", "pay", "paid"),
    ("uncollectible", "void", "void"),
]


@pytest.mark.parametrize(("state", "verb", "then"), ALLOWED)
def test_a_legal_step_leads_on(
    box: RunningSandbox, at: Callable[[str], stripe.Invoice], state: str, verb: str, then: str
) -> None:
    body = "payment_method=pm_card_visa" if verb == "pay" else ""
    answer = box.post(f"/v1/invoices/{at(state).id}/{verb}", body)
    assert (answer.status_code, answer.json()["status"]) == (200, then)


ALREADY_FINAL = "This invoice is already finalized, you can't re-finalize a non-draft invoice."
REFUSED = [
    *((state, "finalize", ALREADY_FINAL) for state in ("open", "paid", "void", "uncollectible")),
    ("paid", "pay", "Invoice is already paid"),
    ("void", "pay", NOT_OPEN),
    ("draft", "void", NOT_OPEN),
    ("void", "void", NOT_OPEN),
    ("paid", "void", "Invoices with `paid` payments cannot be voided."),
    ("draft", "mark_uncollectible", NOT_OPEN),
    ("paid", "mark_uncollectible", NOT_OPEN),
    ("void", "mark_uncollectible", NOT_OPEN),
    ("uncollectible", "mark_uncollectible", "This invoice has already been marked uncollectible."),
    ("paid", "send", "This invoice cannot be sent right now."),
    ("void", "send", "This invoice cannot be sent right now."),
]


@pytest.mark.parametrize(("state", "verb", "message"), REFUSED)
def test_an_illegal_step_is_refused_in_stripes_words(
    box: RunningSandbox, at: Callable[[str], stripe.Invoice], state: str, verb: str, message: str
) -> None:
    invoice = at(state)
    box.control("POST", "clock", advance_s=1)  # sending in the second of payment is how a zero invoice is sent
    error = box.post(f"/v1/invoices/{invoice.id}/{verb}")
    assert error.status_code == 400
    body = error.json()["error"]
    assert body["message"].startswith(message)
    assert (body["type"], body.get("code"), body.get("param")) == ("invalid_request_error", None, None)
    assert box.v1.invoices.retrieve(invoice.id).status == state


@pytest.mark.parametrize("state", ["open", "paid", "void", "uncollectible"])
def test_only_drafts_are_deleted(box: RunningSandbox, at: Callable[[str], stripe.Invoice], state: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="You can only delete draft invoices"):
        box.v1.invoices.delete(at(state).id)


def test_a_deleted_draft_is_gone_with_its_items(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft()
    assert box.v1.invoices.delete(invoice.id).to_dict() == {"id": invoice.id, "object": "invoice", "deleted": True}
    assert box.get(f"/v1/invoices/{invoice.id}").status_code == 404
    assert box.v1.invoice_items.list().data == []


@pytest.mark.parametrize("state", ["open", "paid", "void", "uncollectible"])
def test_lines_are_frozen_after_finalization(
    box: RunningSandbox, at: Callable[[str], stripe.Invoice], state: str
) -> None:
    invoice = at(state)
    for call in (
        lambda: box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1}]}),
        lambda: box.v1.invoice_items.create(
            {"customer": str(invoice.customer), "invoice": invoice.id, "amount": 1, "currency": "usd"}
        ),
        lambda: box.v1.invoice_items.delete(box.v1.invoice_items.list().data[0].id),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call()
        assert caught.value.code == "invoice_not_editable"


@pytest.mark.parametrize(
    "field", ["description=x", "footer=x", "due_date=2000000000", "custom_fields=", "collection_method=send_invoice"]
)
def test_a_finalized_invoice_refuses_edits(box: RunningSandbox, opened: Drafting, field: str) -> None:
    error = box.post(f"/v1/invoices/{opened().id}", field).json()["error"]
    assert error["message"] == "Finalized invoices can't be updated in this way"
    assert (error["param"], error.get("code")) == (field.partition("=")[0], None)


def test_metadata_may_change_in_every_state(box: RunningSandbox, at: Callable[[str], stripe.Invoice]) -> None:
    for state in ("draft", "open", "paid", "void", "uncollectible"):
        changed = box.v1.invoices.update(at(state).id, {"metadata": {"state": state}})
        assert changed.to_dict()["metadata"] == {"state": state}


def test_auto_advance_may_change_while_open_unless_switched_off(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    assert box.v1.invoices.update(invoice.id, {"auto_advance": True}).auto_advance is True
    box.switch(open_auto_advance_editable=False)
    with pytest.raises(stripe.InvalidRequestError, match="can't be updated in this way"):
        box.v1.invoices.update(invoice.id, {"auto_advance": False})


def test_voiding_an_uncollectible_invoice_can_be_switched_off(
    box: RunningSandbox, at: Callable[[str], stripe.Invoice]
) -> None:
    box.switch(uncollectible_can_be_voided=False)
    with pytest.raises(stripe.InvalidRequestError, match="isn't open"):
        box.v1.invoices.void_invoice(at("uncollectible").id)


def test_finalizing_fixes_number_dates_links_and_customer(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft()
    assert (invoice.number, invoice.effective_at, invoice.ending_balance, invoice.hosted_invoice_url) == (None,) * 4
    box.v1.customers.update(str(invoice.customer), {"name": "Before"})
    assert box.v1.invoices.retrieve(invoice.id).customer_name == "Before"
    final = box.v1.invoices.finalize_invoice(invoice.id)
    box.v1.customers.update(str(invoice.customer), {"name": "After"})
    final = box.v1.invoices.retrieve(final.id)
    assert final.customer_name == "Before"
    assert final.number is not None
    assert final.number.endswith("-0001")
    assert final.effective_at == final.status_transitions.finalized_at
    assert str(final.hosted_invoice_url).startswith(f"{box.url}/i/")
    assert final.attempted is False


def test_numbers_run_without_gaps_per_customer(box: RunningSandbox, opened: Drafting) -> None:
    first, second = opened(), opened()
    prefix = box.v1.customers.retrieve(str(first.customer)).invoice_prefix
    assert [first.number, second.number] == [f"{prefix}-0001", f"{prefix}-0002"]
    assert box.v1.customers.retrieve(str(first.customer)).next_invoice_sequence == 3


def test_a_deleted_draft_takes_no_number(box: RunningSandbox, draft: Drafting, opened: Drafting) -> None:
    box.v1.invoices.delete(draft().id)
    assert str(opened().number).endswith("-0001")


def test_nothing_due_is_paid_at_once_without_an_attempt(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(0)
    assert (invoice.status, invoice.attempted, invoice.attempt_count) == ("paid", True, 0)
    assert invoice.payments is not None
    assert invoice.payments.data == []
    asked = box.v1.invoices.retrieve(invoice.id, {"expand": ["confirmation_secret"]})
    assert asked.confirmation_secret is None


def test_too_little_to_charge_is_carried_to_the_balance(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(49)
    assert (invoice.status, invoice.amount_due, invoice.ending_balance) == ("paid", 0, 49)
    assert box.v1.customers.retrieve(str(invoice.customer)).balance == 49
    following = opened(1000)
    assert (following.starting_balance, following.amount_due, following.ending_balance) == (49, 1049, 0)


def test_credit_on_the_balance_lowers_what_is_due(box: RunningSandbox, opened: Drafting) -> None:
    customer = box.v1.customers.create({"email": "c@example.com", "balance": -300})
    invoice = opened(1000, customer=customer.id)
    assert (invoice.starting_balance, invoice.amount_due, invoice.total) == (-300, 700, 1000)
    assert box.v1.customers.retrieve(customer.id).balance == 0
    kinds = [entry.type for entry in box.v1.customers.balance_transactions.list(customer.id).data]
    assert kinds == ["applied_to_invoice", "initial"]


def test_out_of_band_payment_charges_nothing_and_ends_the_intent(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(1000)
    paid = box.v1.invoices.pay(invoice.id, {"paid_out_of_band": True, "expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining, paid.amount_paid_off_stripe) == (
        "paid",
        1000,
        0,
        1000,
    )
    assert (paid.attempted, paid.attempt_count) == (False, 0)
    assert paid.payments is not None
    assert paid.payments.data[0].status == "canceled"
    assert box.v1.charges.list().data == []
    intent = str(paid.payments.data[0].payment.payment_intent)
    assert box.v1.payment_intents.retrieve(intent).status == "canceled"


def test_voiding_keeps_the_amounts_and_cancels_the_intent(box: RunningSandbox, opened: Drafting) -> None:
    invoice = box.v1.invoices.void_invoice(opened(1000).id, {"expand": ["payments.data.payment.payment_intent"]})
    assert (invoice.amount_due, invoice.amount_remaining, invoice.status_transitions.voided_at is None) == (
        1000,
        1000,
        False,
    )
    assert invoice.payments is not None
    intent = invoice.payments.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "void_invoice")


def test_send_puts_a_mail_in_the_outbox(box: RunningSandbox, draft: Drafting) -> None:
    sent = box.v1.invoices.send_invoice(draft().id)
    (mail,) = box.control("GET", "outbox")["emails"]
    assert (mail["to"], mail["invoice"], mail["url"]) == ("ada@example.com", sent.id, sent.hosted_invoice_url)


def test_send_refuses_automatic_collection(box: RunningSandbox, draft: Drafting) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="if its collection method is 'send_invoice'"):
        box.v1.invoices.send_invoice(draft(collection_method="charge_automatically").id)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("collection_method=send_invoice", "you must specify either `due_date` or `days_until_due`"),
        ("days_until_due=3", "You can only specify `days_until_due` or `due_date`"),
    ],
)
def test_a_due_date_goes_with_sending_only(
    box: RunningSandbox, customer: stripe.Customer, body: str, message: str
) -> None:
    error = box.post("/v1/invoices", f"customer={customer.id}&{body}").json()["error"]
    assert message in error["message"]
    assert (error.get("code"), error.get("param")) == (None, None)


def test_moments_to_come_are_not_past(box: RunningSandbox, customer: stripe.Customer, opened: Drafting) -> None:
    sent = f"customer={customer.id}&collection_method=send_invoice"
    for call in (
        f"invoices?{sent}&due_date=1600000000",
        f"invoices?{sent}&days_until_due=1&auto_advance=true&automatically_finalizes_at=1600000000",
        "coupons?percent_off=5&redeem_by=1600000000",
    ):
        path, _, form = call.partition("?")
        error = box.post(f"/v1/{path}", form).json()["error"]
        assert error["message"] == "Invalid timestamp: must be an integer Unix timestamp in the future."
        assert error["param"] == form.split("&")[-1].partition("=")[0]
    overdue = opened()
    box.advance(86_400 * 40)
    revised = box.v1.invoices.create({"from_invoice": {"action": "revision", "invoice": overdue.id}})
    assert revised.status == "draft"
    assert box.post("/v1/coupons", "percent_off=5&max_redemptions=0").json()["error"]["param"] == "max_redemptions"
    item = f"invoiceitems?customer={customer.id}&currency=usd&quantity=2&unit_amount_decimal=100000000.5"
    for call in ("prices?currency=usd&product_data[name]=A&unit_amount=100000000", item):
        path, _, form = call.partition("?")
        assert box.post(f"/v1/{path}", form).json()["error"]["code"] == "amount_too_large"


def test_sending_needs_an_email_address_unless_switched_off(box: RunningSandbox) -> None:
    silent = box.v1.customers.create({"name": "Silent"})
    sent = f"customer={silent.id}&collection_method=send_invoice&days_until_due=1"
    assert box.post("/v1/invoices", sent).json()["error"]["message"].startswith("Missing email.")
    box.switch(send_invoice_requires_email=False)
    assert box.post("/v1/invoices", sent).status_code == 200


def test_a_revision_repeats_the_items_of_an_open_invoice(box: RunningSandbox, opened: Drafting) -> None:
    original = opened(1234)
    revision = box.v1.invoices.create({"from_invoice": {"action": "revision", "invoice": original.id}})
    assert (revision.status, revision.total, revision.customer) == ("draft", 1234, original.customer)
    final = box.v1.invoices.finalize_invoice(revision.id)
    assert (final.status, box.v1.invoices.retrieve(original.id).status) == ("open", "void")
    assert box.v1.invoices.retrieve(original.id).latest_revision == final.id


def test_a_failed_finalization_is_recorded_and_announced(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(99_999_999)
    box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1}]})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.invoices.finalize_invoice(invoice.id)
    assert caught.value.code == "amount_too_large"
    after = box.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.number) == ("draft", None)
    assert after.last_finalization_error is not None
    assert after.last_finalization_error.code == "amount_too_large"
    assert box.event_types()[-1] == "invoice.finalization_failed"


@pytest.mark.parametrize("sent", ["subscription=sub_1", "default_source=src_1"])
def test_references_to_what_the_sandbox_has_none_of_are_unknown(
    box: RunningSandbox, customer: stripe.Customer, sent: str
) -> None:
    assert box.post("/v1/invoices", f"customer={customer.id}&{sent}").json()["error"]["code"] == "resource_missing"


def test_a_draft_takes_every_kind_of_change(box: RunningSandbox, draft: Drafting, customer: stripe.Customer) -> None:
    method = box.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    sent = (
        f"description=Work&footer=Bye&default_payment_method={method.id}&payment_settings[payment_method_types][]=card"
        "&rendering[pdf][page_size]=a4&rendering[amount_tax_display]=exclude_tax&shipping_details[name]=Ada"
        "&shipping_details[address][city]=Rome&number=MINE-1&statement_descriptor=WORK&collection_method=charge_automatically"
    )
    changed = box.post(f"/v1/invoices/{draft().id}", sent).json()
    assert (changed["description"], changed["footer"], changed["default_payment_method"]) == ("Work", "Bye", method.id)
    assert changed["payment_settings"]["payment_method_types"] == ["card"]
    assert changed["rendering"]["pdf"] == {"page_size": "a4"}
    assert changed["shipping_details"]["address"]["city"] == "Rome"
    assert (changed["collection_method"], changed["due_date"]) == ("charge_automatically", None)
    final = box.v1.invoices.finalize_invoice(changed["id"])
    assert final.number == "MINE-1"
    assert box.v1.invoices.update(final.id, {"default_payment_method": method.id}).status == "open"
    cleared = box.post(f"/v1/invoices/{draft().id}", "default_payment_method=&shipping_details=&shipping_cost=").json()
    assert cleared["default_payment_method"] is None


@pytest.mark.parametrize(
    "sent",
    [
        "days_until_due=1&due_date=2000000000",
        f"statement_descriptor={'x' * 23}",
        f"description={'x' * 1501}",
        "default_payment_method=pm_none",
        "shipping_cost[shipping_rate]=shr_1",
    ],
)
def test_a_draft_refuses_what_stripe_would(box: RunningSandbox, draft: Drafting, sent: str) -> None:
    assert box.post(f"/v1/invoices/{draft().id}", sent).status_code == 400


def test_a_payment_method_of_another_customer_is_refused(
    box: RunningSandbox, draft: Drafting, opened: Drafting
) -> None:
    other = box.v1.customers.create({})
    method = box.v1.payment_methods.attach("pm_card_visa", {"customer": other.id})
    for invoice in (draft(), opened()):
        with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
            box.v1.invoices.update(invoice.id, {"default_payment_method": method.id})


def test_an_open_invoice_forgets_its_payment_method(
    box: RunningSandbox, customer: stripe.Customer, opened: Drafting
) -> None:
    method = box.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    invoice = opened(default_payment_method=method.id)
    assert box.v1.invoices.update(invoice.id, {"default_payment_method": ""}).default_payment_method is None


def test_a_paid_invoice_is_not_sent(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    box.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be sent right now"):
        box.v1.invoices.send_invoice(invoice.id)


def test_invoices_are_filtered_and_searched(box: RunningSandbox, draft: Drafting, opened: Drafting) -> None:
    first, second = opened(1000, metadata={"ref": "7"}), draft(500)
    assert [i.id for i in box.v1.invoices.list({"status": "open"}).data] == [first.id]
    assert [i.id for i in box.v1.invoices.list({"customer": str(first.customer), "limit": 1}).data] == [second.id]
    assert box.v1.invoices.list({"due_date": {"gt": 2**33}}).data == []
    query = "metadata['ref']:'7' AND status:'open' AND total>=1000"
    assert [i.id for i in box.v1.invoices.search({"query": query}).data] == [first.id]


def test_only_open_invoices_are_revised(box: RunningSandbox, draft: Drafting) -> None:
    assert (
        box.post("/v1/invoices", f"from_invoice[action]=revision&from_invoice[invoice]={draft().id}").status_code == 400
    )
