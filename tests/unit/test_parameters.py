"""Requests become Stripe's parameters, and Stripe's names become ours again."""

from typing import Any

import pytest
from pydantic import BaseModel

from app.catalog.schemas import PriceCreate, ProductCreate, ProductUpdate
from app.customers.schemas import CustomerUpdate
from app.domain.errors import StripeInvalidRequest
from app.http.schemas import Request
from app.invoices.item_schemas import ItemCreate, ItemsCreate, ItemUpdate
from app.invoices.pricing import blamed, line
from app.invoices.schemas import InvoiceCreate, InvoiceUpdate
from app.stripe.parameters import field_of, named_as, stripe_parameters

TIME, SECONDS = "2027-01-01T00:00:00Z", 1_798_761_600
PERIOD = {"start": TIME, "end": TIME}
DRAFT = {"customer": "cus_1", "collection_method": "send_invoice", "auto_advance": False}


@pytest.mark.parametrize(
    ("schema", "said", "wanted"),
    [
        (ProductUpdate, {"images": [], "url": None, "active": False}, {"images": "", "url": "", "active": False}),
        (ProductUpdate, {"metadata": {"a": None, "b": "1"}}, {"metadata": {"a": "", "b": "1"}}),
        (CustomerUpdate, {"address": {"line1": None, "city": "Bonn"}}, {"address": {"line1": "", "city": "Bonn"}}),
        (CustomerUpdate, {"invoice_settings": {"custom_fields": []}}, {"invoice_settings": {"custom_fields": ""}}),
        (
            PriceCreate,
            {"product": "prod_1", "currency": "usd", "unit_amount": 1, "currency_options": {"eur": {"unit_amount": 2}}},
            {"product": "prod_1", "currency": "usd", "unit_amount": 1, "currency_options": {"eur": {"unit_amount": 2}}},
        ),
        (
            InvoiceCreate,
            {"customer": "cus_1", "due_at": TIME, "effective_at": TIME, "finalize": True, "items": [], "allow_empty": True},
            {**DRAFT, "due_date": SECONDS, "effective_at": SECONDS},
        ),
        (
            InvoiceCreate,
            {"customer": "cus_1", "reference": "r", "metadata": {"a": "1"}},
            {**DRAFT, "metadata": {"a": "1", "reference": "r"}},
        ),
        (
            InvoiceCreate,
            {"customer": "cus_1", "automatically_finalizes_at": TIME},
            {**DRAFT, "auto_advance": True, "automatically_finalizes_at": SECONDS},
        ),
        (InvoiceUpdate, {"automatically_finalizes_at": TIME}, {"auto_advance": True, "automatically_finalizes_at": SECONDS}),
        (
            InvoiceUpdate,
            {"automatically_finalizes_at": TIME, "auto_advance": False},
            {"auto_advance": False, "automatically_finalizes_at": SECONDS},
        ),
        (InvoiceUpdate, {"discounts": [{"coupon": "TEN", "discount": None}]}, {"discounts": [{"coupon": "TEN"}]}),
        (InvoiceUpdate, {"rendering": {"template": None, "pdf": None}}, {"rendering": {"template": ""}}),
        (ProductCreate, {"name": "A", "images": []}, {"name": "A"}),
        (InvoiceUpdate, {"discounts": [], "default_tax_rates": ["txr_1"]}, {"discounts": "", "default_tax_rates": ["txr_1"]}),
    ],
)  # fmt: skip
def test_a_request_becomes_stripes_parameters(schema: type[Request], said: dict[str, Any], wanted: object) -> None:
    assert stripe_parameters(schema, schema.model_validate(said).params()) == wanted


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"price": "price_1", "quantity": 2, "period": PERIOD},
         {"pricing": {"price": "price_1"}, "quantity": 2, "period": {"start": SECONDS, "end": SECONDS}}),
        ({"amount": 5, "currency": "usd"}, {"amount": 5}),
        ({"amount": 5, "currency": "usd", "description": "A", "tax_behavior": "inclusive"},
         {"description": "A", "price_data": {
             "currency": "usd", "tax_behavior": "inclusive", "unit_amount": 5, "product_data": {"name": "A"}}}),
        ({"unit_amount_decimal": "12000", "quantity_decimal": "3.5", "currency": "usd", "description": "A", "tax_code": "txcd_1"},
         {"description": "A", "quantity_decimal": "3.5", "price_data": {
             "currency": "usd", "unit_amount_decimal": "12000", "product_data": {"name": "A", "tax_code": "txcd_1"}}}),
        ({"invoice_item": "ii_1"}, {"invoice_item": "ii_1"}),
    ],
)  # fmt: skip
def test_an_item_becomes_a_line(said: dict[str, Any], wanted: object) -> None:
    assert line(ItemCreate, ItemCreate.model_validate(said).params()) == wanted


def test_a_change_to_an_amount_per_unit_makes_a_product_of_the_description() -> None:
    change = ItemUpdate.model_validate({"unit_amount_decimal": "1.5", "description": "A"}).params()
    price = {"currency": "eur", "unit_amount_decimal": "1.5", "product_data": {"name": "A"}}
    assert line(ItemUpdate, {**change, "currency": "eur"}) == {"description": "A", "price_data": price}


@pytest.mark.parametrize(
    ("schema", "param", "field"),
    [
        (InvoiceCreate, "due_date", "due_at"),
        (InvoiceCreate, "metadata[reference]", "reference"),
        (InvoiceCreate, "metadata[a]", "metadata.a"),
        (InvoiceCreate, "discounts[1][coupon]", "discounts[1].coupon"),
        (InvoiceCreate, "rendering[pdf][page_size]", "rendering.pdf.page_size"),
        (InvoiceCreate, "id", "id"),
        (ItemsCreate, "lines", "items"),
        (ItemsCreate, "lines[3][pricing][price]", "items[3].price"),
        (ItemsCreate, "lines[3][pricing]", "items[3].price"),
        (ItemsCreate, "lines[3][price_data]", "items[3].price_data"),
        (ItemsCreate, "lines[0][price_data][product_data][tax_code]", "items[0].tax_code"),
        (ItemsCreate, "lines[0][price_data][product]", "items[0].price_data.product"),
        (ItemsCreate, "lines[0][tax_rates][1]", "items[0].tax_rates[1]"),
        (PriceCreate, "currency_options[eur][unit_amount]", "currency_options.eur.unit_amount"),
    ],
)
def test_a_refusal_names_our_field(schema: type[BaseModel], param: str, field: str) -> None:
    assert field_of(schema, param) == field
    with pytest.raises(StripeInvalidRequest) as refused, named_as(schema):
        raise StripeInvalidRequest("no", param=param)
    assert refused.value.param == field


def test_a_refusal_that_names_nothing_stays_so() -> None:
    with pytest.raises(StripeInvalidRequest) as refused, named_as(InvoiceCreate):
        raise StripeInvalidRequest("no")
    assert refused.value.param is None


@pytest.mark.parametrize(
    ("param", "place", "field"),
    [
        ("lines[1][tax_rates][0]", "items[{}].", "items[1].tax_rates[0]"),
        ("pricing[price]", "items[{}].", "items[1].price"),
        ("pricing[price]", "", "price"),
        ("lines[0][quantity_decimal]", "", "quantity_decimal"),
        ("invoice", "items[{}].", "invoice"),
        ("lines", "items[{}].", "items"),
        (None, "items[{}].", None),
    ],
)
def test_a_refused_item_is_named_by_its_place(param: str | None, place: str, field: str | None) -> None:
    items = [{"price": "price_1"}, {"price": "price_2"}]
    with pytest.raises(StripeInvalidRequest) as refused, blamed(items, place):
        raise StripeInvalidRequest("No such price: 'price_2'", param=param)
    assert refused.value.param == field
