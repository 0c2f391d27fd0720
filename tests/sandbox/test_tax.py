"""Tax ids and their verification, and automatic tax by the customer's place."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


def customer_in(box: RunningSandbox, country: str | None, **more: Any) -> stripe.Customer:
    address: Any = {"line1": "1 Road", "country": country} if country else None
    state = more.pop("state", None)
    if address and state:
        address["state"] = state
    sent: Any = {"email": "ada@example.com", **({"address": address} if address else {}), **more}
    return box.v1.customers.create(sent)


def taxed(box: RunningSandbox, draft: Drafting, customer: stripe.Customer, **more: Any) -> stripe.Invoice:
    return draft(10_000, customer=customer.id, automatic_tax={"enabled": True}, **more)


def taxes(invoice: stripe.Invoice) -> list[tuple[int, str, str, int | None]]:
    return [
        (it.amount, str(it.tax_behavior), str(it.taxability_reason), it.taxable_amount)
        for it in invoice.total_taxes or []
    ]


# Tax ids


@pytest.mark.parametrize(
    ("value", "status"),
    [("DE000000000", "verified"), ("DE111111111", "unverified"), ("DE222222222", "pending"), ("FR12345", "verified")],
)
def test_the_number_decides_the_verification(
    box: RunningSandbox, customer: stripe.Customer, value: str, status: str
) -> None:
    made = box.v1.customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": value})
    assert made.verification is not None
    assert (made.verification.status, made.country, made.customer) == ("pending", value[:2], customer.id)
    box.advance(60)
    after = box.v1.customers.tax_ids.retrieve(customer.id, made.id)
    assert after.verification is not None
    assert after.verification.status == status
    assert (after.verification.verified_name is not None) is (status == "verified")
    told = [kind for kind in box.event_types() if "tax_id" in kind]
    updated = [] if status == "pending" else ["customer.tax_id.updated"]
    assert told == ["customer.tax_id.created", *updated]


def test_types_that_nobody_verifies_say_so(box: RunningSandbox, customer: stripe.Customer) -> None:
    made = box.v1.customers.tax_ids.create(customer.id, {"type": "us_ein", "value": "12-3456789"})
    assert made.verification is not None
    assert (made.verification.status, made.country) == ("unavailable", "US")


@pytest.mark.parametrize(("kind", "value"), [("eu_vat", "US123"), ("us_ein", "1"), ("gb_vat", "GB1"), ("eu_vat", "")])
def test_a_value_of_the_wrong_form_is_refused(
    box: RunningSandbox, customer: stripe.Customer, kind: str, value: str
) -> None:
    answer = box.post(f"/v1/customers/{customer.id}/tax_ids", f"type={kind}&value={value}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "value")
    assert box.v1.customers.tax_ids.list(customer.id).data == []


def test_tax_ids_come_with_the_customer_and_go_one_by_one(box: RunningSandbox) -> None:
    vat: Any = {"type": "eu_vat", "value": "de 123456789".replace(" ", "")}
    made = box.v1.customers.create({"tax_id_data": [vat], "expand": ["tax_ids"]})
    assert made.tax_ids is not None
    (tax_id,) = made.tax_ids.data
    assert tax_id.value == "DE123456789"
    assert box.v1.tax_ids.retrieve(tax_id.id).customer == made.id
    assert box.v1.customers.tax_ids.delete(made.id, tax_id.id).deleted is True
    assert "customer.tax_id.deleted" in box.event_types()
    with pytest.raises(stripe.InvalidRequestError, match="No such tax ID"):
        box.v1.customers.tax_ids.retrieve(made.id, tax_id.id)
    with pytest.raises(stripe.InvalidRequestError, match="Invalid value for eu_vat") as caught:
        box.v1.customers.create({"tax_id_data": [{"type": "eu_vat", "value": "1"}]})
    assert caught.value.param == "tax_id_data[0][value]"


def test_a_customer_has_at_most_five(box: RunningSandbox, customer: stripe.Customer) -> None:
    for number in range(5):
        box.v1.customers.tax_ids.create(customer.id, {"type": "us_ein", "value": f"12345678{number}"})
    with pytest.raises(stripe.InvalidRequestError, match="at most 5"):
        box.v1.customers.tax_ids.create(customer.id, {"type": "us_ein", "value": "123456789"})


def test_an_invoice_keeps_the_tax_ids_it_was_finalized_with(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft()
    owner = str(invoice.customer)
    made = box.v1.customers.tax_ids.create(owner, {"type": "eu_vat", "value": "DE123456789"})
    shown = box.v1.invoices.retrieve(invoice.id)
    assert [(it.type, it.value) for it in shown.customer_tax_ids or []] == [("eu_vat", "DE123456789")]
    box.v1.invoices.finalize_invoice(invoice.id)
    box.v1.customers.tax_ids.delete(owner, made.id)
    assert len(box.v1.invoices.retrieve(invoice.id).customer_tax_ids or []) == 1


def test_the_accounts_own_tax_ids_stand_on_its_invoices(box: RunningSandbox, draft: Drafting) -> None:
    own = box.v1.tax_ids.create({"type": "us_ein", "value": "12-3456789"})
    assert (own.customer, own.owner and own.owner.type) == (None, "self")
    assert draft(account_tax_ids=[own.id]).account_tax_ids == [own.id]
    assert [it.id for it in box.v1.tax_ids.list().data] == [own.id]
    customers = box.v1.customers.create({"tax_id_data": [{"type": "us_ein", "value": "987654321"}]})
    other = box.v1.tax_ids.list({"owner": {"type": "customer", "customer": customers.id}}).data[0].id
    for wrong in (other, "txi_none"):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            draft(account_tax_ids=[wrong])
        assert caught.value.param == "account_tax_ids"
    assert box.v1.tax_ids.delete(own.id).deleted is True


def test_a_control_call_answers_for_the_authority(box: RunningSandbox, customer: stripe.Customer) -> None:
    made = box.v1.customers.tax_ids.create(customer.id, {"type": "eu_vat", "value": "DE222222222"})
    said = box.control("POST", f"tax_ids/{made.id}/verify", status="verified", verified_name="Ada")
    assert said["verification"] == {"status": "verified", "verified_address": None, "verified_name": "Ada"}
    assert box.http.post(f"/_sandbox/tax_ids/{made.id}/verify", json={"status": "perhaps"}).status_code == 400


# Automatic tax


@pytest.mark.parametrize(
    ("country", "state", "amount", "reason"),
    [
        ("DE", None, 1_900, "standard_rated"),
        ("FI", None, 2_550, "standard_rated"),
        ("GB", None, 2_000, "standard_rated"),
        ("US", "CA", 725, "standard_rated"),
        ("US", "NJ", 663, "standard_rated"),
        ("US", "OR", 0, "not_subject_to_tax"),
        ("US", "KS", 0, "not_collecting"),
        ("BR", None, 0, "not_collecting"),
    ],
)
def test_the_customers_place_decides_the_rate(
    box: RunningSandbox, draft: Drafting, country: str, state: str | None, amount: int, reason: str
) -> None:
    invoice = taxed(box, draft, customer_in(box, country, state=state))
    taxable = 10_000 if reason == "standard_rated" else 0
    assert taxes(invoice) == [(amount, "exclusive", reason, taxable)]
    assert (invoice.total, invoice.automatic_tax.status) == (10_000 + amount, "complete")
    assert invoice.automatic_tax.provider == "stripe"
    details = (invoice.total_taxes or [])[0].tax_rate_details
    assert details is not None
    rate = box.v1.tax_rates.retrieve(details.tax_rate)
    assert (rate.country, rate.state, rate.active) == (country, state, False)


def test_a_zip_code_is_enough_in_the_united_states(box: RunningSandbox, draft: Drafting) -> None:
    address: Any = {"line1": "1 Road", "country": "US", "postal_code": "94105"}
    customer = box.v1.customers.create({"email": "ada@example.com", "address": address})
    assert taxes(taxed(box, draft, customer))[0][0] == 725


def test_a_business_across_a_border_owes_the_tax_itself(box: RunningSandbox, draft: Drafting) -> None:
    vat: Any = [{"type": "eu_vat", "value": "DE123456789"}]
    invoice = taxed(box, draft, customer_in(box, "DE", tax_id_data=vat))
    assert taxes(invoice) == [(0, "exclusive", "reverse_charge", 0)]
    assert invoice.total == 10_000


@pytest.mark.parametrize(("exempt", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")])
def test_an_exempt_customer_pays_no_tax(box: RunningSandbox, draft: Drafting, exempt: str, reason: str) -> None:
    assert taxes(taxed(box, draft, customer_in(box, "FR", tax_exempt=exempt))) == [(0, "exclusive", reason, 0)]


def test_a_price_may_include_its_tax(box: RunningSandbox, draft: Drafting) -> None:
    invoice = taxed(box, draft, customer_in(box, "DE"), currency="eur")
    assert taxes(invoice) == [(1_597, "inclusive", "standard_rated", 8_403)]
    assert (invoice.total, invoice.total_excluding_tax) == (10_000, 8_403)


def test_the_shipping_address_comes_first(box: RunningSandbox, draft: Drafting) -> None:
    address: Any = {"line1": "1 Road", "country": "DK"}
    customer = customer_in(box, "DE", shipping={"name": "Ada", "address": address})
    assert taxes(taxed(box, draft, customer))[0][0] == 2_500


def test_nontaxable_products_are_exempt(box: RunningSandbox, draft: Drafting) -> None:
    product = box.v1.products.create({"name": "Gift card", "tax_code": "txcd_00000000"})
    price = box.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 5000})
    invoice = draft(None, customer=customer_in(box, "DE").id, automatic_tax={"enabled": True})
    box.v1.invoice_items.create(
        {"customer": str(invoice.customer), "invoice": invoice.id, "pricing": {"price": price.id}}
    )
    assert taxes(box.v1.invoices.retrieve(invoice.id)) == [(0, "exclusive", "product_exempt", 0)]


def test_without_a_place_an_invoice_cannot_be_finalized(box: RunningSandbox, draft: Drafting) -> None:
    customer = customer_in(box, None)
    invoice = taxed(box, draft, customer)
    assert (invoice.automatic_tax.status, invoice.total) == ("requires_location_inputs", 10_000)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.invoices.finalize_invoice(invoice.id)
    assert caught.value.code == "customer_tax_location_invalid"
    after = box.v1.invoices.retrieve(invoice.id)
    assert after.last_finalization_error is not None
    assert (after.status, after.last_finalization_error.code) == ("draft", "customer_tax_location_invalid")
    assert box.event_types()[-1] == "invoice.finalization_failed"
    box.v1.customers.update(customer.id, {"address": {"line1": "1 Road", "country": "DE"}})
    final = box.v1.invoices.finalize_invoice(invoice.id)
    assert (final.status, final.total, final.last_finalization_error) == ("open", 11_900, None)


def test_tax_that_cannot_be_calculated_stops_finalization(box: RunningSandbox, draft: Drafting) -> None:
    invoice = taxed(box, draft, customer_in(box, "DE"))
    box.switch(automatic_tax_fails=True)
    with pytest.raises(stripe.APIError):
        box.v1.invoices.finalize_invoice(invoice.id)
    assert box.v1.invoices.retrieve(invoice.id).automatic_tax.status == "failed"
    box.switch(automatic_tax_fails=False)
    assert box.v1.invoices.finalize_invoice(invoice.id).total == 11_900


def test_a_customer_shows_where_it_is_taxed(box: RunningSandbox) -> None:
    def shown(customer: stripe.Customer) -> str:
        tax = box.v1.customers.retrieve(customer.id, {"expand": ["tax"]}).tax
        assert tax is not None
        return str(tax.automatic_tax)

    places = [customer_in(box, country) for country in ("DE", "BR", None)]
    assert [shown(it) for it in places] == ["supported", "not_collecting", "unrecognized_location"]
    sent: Any = {"tax": {"validate_location": "immediately"}}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.customers.create(sent)
    assert caught.value.code == "customer_tax_location_invalid"


def test_a_preview_is_taxed_like_the_invoice(box: RunningSandbox) -> None:
    customer = customer_in(box, "SE")
    preview = box.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "automatic_tax": {"enabled": True},
            "invoice_items": [{"amount": 1000, "currency": "usd"}],
        }
    )
    assert (preview.total, preview.automatic_tax.status) == (1250, "complete")
