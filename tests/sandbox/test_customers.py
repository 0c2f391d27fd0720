"""Customers: invoice settings, payment methods, deletion."""

from typing import Any

import pytest
import stripe

from tests.sandbox.process import RunningSandbox

FIELD: Any = {"name": "PO", "value": "1"}


def test_a_draft_inherits_custom_fields_and_footer_and_may_override_them(box: RunningSandbox) -> None:
    settings: Any = {"custom_fields": [FIELD], "footer": "Thanks"}
    customer = box.v1.customers.create({"invoice_settings": settings})
    inherited = box.v1.invoices.create({"customer": customer.id}).to_dict()
    assert (inherited["custom_fields"], inherited["footer"]) == ([FIELD], "Thanks")
    other: Any = {"name": "Dept", "value": "7"}
    own = box.v1.invoices.create({"customer": customer.id, "custom_fields": [other], "footer": "Bye"}).to_dict()
    assert (own["custom_fields"], own["footer"]) == ([other], "Bye")
    none = box.v1.invoices.create({"customer": customer.id, "custom_fields": ""}).to_dict()
    assert none["custom_fields"] is None


def test_custom_fields_are_copied_when_the_draft_is_made(box: RunningSandbox) -> None:
    customer = box.v1.customers.create({})
    draft = box.v1.invoices.create({"customer": customer.id})
    box.v1.customers.update(customer.id, {"invoice_settings": {"custom_fields": [FIELD]}})
    assert box.v1.invoices.retrieve(draft.id).custom_fields is None


def test_passing_custom_fields_on_update_replaces_the_list(box: RunningSandbox) -> None:
    customer = box.v1.customers.create({"invoice_settings": {"custom_fields": [FIELD, FIELD]}})
    draft = box.v1.invoices.create({"customer": customer.id})
    changed = box.v1.invoices.update(draft.id, {"custom_fields": [FIELD]})
    assert changed.to_dict()["custom_fields"] == [FIELD]
    cleared = box.v1.customers.update(customer.id, {"invoice_settings": {"custom_fields": ""}})
    assert cleared.to_dict()["invoice_settings"]["custom_fields"] is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ("&".join(f"custom_fields[{n}][name]=n&custom_fields[{n}][value]=v" for n in range(5)), "custom_fields"),
        (f"custom_fields[0][name]={'n' * 41}&custom_fields[0][value]=v", "custom_fields[0][name]"),
        (f"custom_fields[0][name]=n&custom_fields[0][value]={'v' * 141}", "custom_fields[0][value]"),
    ],
)
def test_custom_fields_are_limited(box: RunningSandbox, customer: stripe.Customer, fields: str, param: str) -> None:
    error = box.post("/v1/invoices", f"customer={customer.id}&{fields}").json()["error"]
    assert error["param"] == param


def test_a_template_becomes_a_new_payment_method_of_the_customer(box: RunningSandbox) -> None:
    customer = box.v1.customers.create(
        {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )
    (method,) = box.v1.customers.payment_methods.list(customer.id).data
    assert method.id.startswith("pm_1")
    assert (method.customer, method.card and method.card.last4) == (customer.id, "4242")
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method == method.id
    assert box.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data[0].id == method.id


def test_a_default_payment_method_must_belong_to_the_customer(box: RunningSandbox, customer: stripe.Customer) -> None:
    foreign = box.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        box.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": foreign.id}})


def test_a_detached_payment_method_is_spent(box: RunningSandbox, customer: stripe.Customer) -> None:
    method = box.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    box.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    assert box.v1.payment_methods.detach(method.id).customer is None
    reread = box.v1.customers.retrieve(customer.id)
    assert reread.invoice_settings is not None
    assert reread.invoice_settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        box.v1.payment_methods.attach(method.id, {"customer": customer.id})


def test_a_card_that_declines_cannot_be_attached_but_0341_can(box: RunningSandbox, customer: stripe.Customer) -> None:
    with pytest.raises(stripe.CardError) as caught:
        box.v1.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer.id})
    assert caught.value.code == "card_declined"
    assert (
        box.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id}).customer == customer.id
    )


@pytest.mark.parametrize(
    ("number", "year", "code"),
    [
        ("4242424242424241", "2040", "incorrect_number"),
        ("4242424242424242", "2001", "invalid_expiry_year"),
        ("4539578763621486", "2040", "card_declined"),
    ],
)
def test_card_details_are_checked_as_in_test_mode(box: RunningSandbox, number: str, year: str, code: str) -> None:
    body = f"type=card&card[number]={number}&card[exp_month]=12&card[exp_year]={year}&card[cvc]=123"
    answer = box.post("/v1/payment_methods", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, code)
    assert number not in str(box.requests())


def test_a_deleted_customer_answers_as_deleted_and_is_unknown_elsewhere(box: RunningSandbox) -> None:
    customer = box.v1.customers.create({"email": "a@b.example"})
    assert box.v1.customers.delete(customer.id).deleted is True
    assert box.get(f"/v1/customers/{customer.id}").json() == {"id": customer.id, "object": "customer", "deleted": True}
    assert box.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        box.v1.invoices.create({"customer": customer.id})


def test_customers_are_found_by_email(box: RunningSandbox, customer: stripe.Customer) -> None:
    box.v1.customers.create({"email": "other@example.com"})
    assert [c.id for c in box.v1.customers.list({"email": "ada@example.com"}).data] == [customer.id]
    assert [c.id for c in box.v1.customers.search({"query": "email:'ada@example.com'"}).data] == [customer.id]


def test_an_invoice_prefix_is_unique_and_used(box: RunningSandbox) -> None:
    customer = box.v1.customers.create({"email": "a@b.example", "invoice_prefix": "ACME", "next_invoice_sequence": 42})
    draft = box.v1.invoices.create({"customer": customer.id})
    assert box.v1.invoices.finalize_invoice(draft.id).number == "ACME-0042"
    for prefix in ("ACME", "lower", "TOOLONGPREFIX"):
        assert box.post("/v1/customers", f"invoice_prefix={prefix}").json()["error"]["param"] == "invoice_prefix"


@pytest.mark.parametrize(("field", "value"), [("email", "nonsense"), ("name", "x" * 257), ("description", "x" * 5001)])
def test_customer_fields_are_checked(box: RunningSandbox, field: str, value: str) -> None:
    assert box.post("/v1/customers", f"{field}={value}").json()["error"]["param"] == field


def test_the_account_can_be_read(box: RunningSandbox) -> None:
    account = box.v1.accounts.retrieve_current()
    assert (account.country, account.default_currency) == ("US", "usd")
    with pytest.raises(stripe.PermissionError):
        box.v1.accounts.retrieve("acct_other")


def test_a_customers_balance_is_adjusted_with_a_trace(box: RunningSandbox, customer: stripe.Customer) -> None:
    entry = box.v1.customers.balance_transactions.create(
        customer.id, {"amount": -500, "currency": "usd", "description": "Goodwill"}
    )
    assert (entry.type, entry.ending_balance, entry.description) == ("adjustment", -500, "Goodwill")
    box.v1.customers.update(customer.id, {"balance": 0})
    assert [e.amount for e in box.v1.customers.balance_transactions.list(customer.id).data] == [500, -500]


def test_invoice_settings_can_be_cleared_one_by_one(box: RunningSandbox) -> None:
    customer = box.v1.customers.create(
        {
            "payment_method": "pm_card_visa",
            "invoice_settings": {
                "default_payment_method": "pm_card_visa",
                "footer": "Thanks",
                "rendering_options": {"amount_tax_display": "exclude_tax"},
            },
        }
    )
    sent = "invoice_settings[footer]=&invoice_settings[rendering_options]=&invoice_settings[default_payment_method]="
    cleared = box.post(f"/v1/customers/{customer.id}", sent).json()["invoice_settings"]
    assert set(cleared.values()) == {None}
    unknown = box.post(f"/v1/customers/{customer.id}", "invoice_settings[default_payment_method]=pm_none").json()
    assert unknown["error"]["param"] == "invoice_settings[default_payment_method]"


def test_address_and_shipping_show_all_their_lines_or_nothing(box: RunningSandbox) -> None:
    sent = "address[city]=Rome&shipping[name]=Ada&shipping[address][line1]=1+Road"
    customer = box.post("/v1/customers", sent).json()
    assert customer["address"] == {
        "city": "Rome", "country": None, "line1": None, "line2": None, "postal_code": None, "state": None,
    }  # fmt: skip
    assert customer["shipping"]["address"]["line1"] == "1 Road"
    cleared = box.post(f"/v1/customers/{customer['id']}", "address=&shipping=").json()
    assert (cleared["address"], cleared["shipping"]) == (None, None)


def test_deleting_a_customer_drops_pending_items_and_frees_the_methods(box: RunningSandbox) -> None:
    customer = box.v1.customers.create({"payment_method": "pm_card_visa"})
    box.v1.invoice_items.create({"customer": customer.id, "amount": 1, "currency": "usd"})
    box.v1.customers.delete(customer.id)
    assert box.v1.invoice_items.list().data == []
    assert box.v1.payment_methods.list().data == []
