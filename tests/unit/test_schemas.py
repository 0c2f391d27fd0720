"""Request bodies: strict to the type, closed to the unknown, and every limit where Stripe has it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.catalog.schemas import PriceCreate, PriceUpdate, ProductCreate, ProductUpdate
from app.customers.schemas import CustomerCreate, CustomerUpdate
from app.http.schemas import Currency, Email, MetadataUpdate, Quantity, Reference, Request, StripeId, Time
from app.invoices.item_schemas import ItemCreate, ItemsCreate, ItemUpdate
from app.invoices.schemas import InvoiceCreate, InvoicePay, InvoiceUpdate

ITEM = {"amount": 100, "currency": "usd"}
INVOICE = {"customer": "cus_1", "days_until_due": 1}
PRICE = {"product": "prod_1", "currency": "usd", "unit_amount": 1}
SOON = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
FIELD = {"name": "PO", "value": "1"}
DATA = {"currency": "usd", "product": "prod_1", "unit_amount": 1}
BODIES: list[tuple[type[Request], dict[str, Any]]] = [
    (ProductCreate, {"name": "A"}),
    (ProductUpdate, {"name": "A"}),
    (PriceCreate, PRICE),
    (PriceUpdate, {"nickname": None}),
    (CustomerCreate, {}),
    (CustomerUpdate, {"name": None}),
    (InvoiceCreate, INVOICE),
    (InvoiceUpdate, {"description": None}),
    (InvoicePay, {}),
    (ItemCreate, ITEM),
    (ItemsCreate, {"items": [ITEM]}),
    (ItemUpdate, {"quantity": 2}),
]


def refusal(model: type[BaseModel], body: object) -> str:
    with pytest.raises(ValidationError) as error:
        model.model_validate(body)
    return str(error.value)


@pytest.mark.parametrize(("model", "body"), BODIES)
def test_a_good_body_is_taken_and_an_unknown_field_is_not(model: type[BaseModel], body: dict[str, Any]) -> None:
    model.model_validate(body)
    assert "extra_forbidden" in refusal(model, {**body, "nonsense": ["customer"]})


@pytest.mark.parametrize("model", [model for model, _ in BODIES if model.refused])
def test_a_parameter_of_stripes_that_is_no_field_is_refused_with_its_reason(model: type[Request]) -> None:
    for name, reason in model.refused.items():
        assert reason in refusal(model, {name: "x"})


@pytest.mark.parametrize("model", [ProductUpdate, PriceUpdate, CustomerUpdate, InvoiceUpdate, ItemUpdate])
def test_a_change_must_name_a_field(model: type[BaseModel]) -> None:
    assert "at least one field" in refusal(model, {})


@pytest.mark.parametrize("model", [ProductUpdate, PriceUpdate, CustomerUpdate, InvoiceUpdate])
def test_a_reference_never_changes(model: type[BaseModel]) -> None:
    assert "extra_forbidden" in refusal(model, {"reference": "x"})


@pytest.mark.parametrize("amount", [False, True, 1.0, "1", None, [], 10**30])
def test_an_amount_is_an_integer_and_nothing_that_could_be_taken_for_one(amount: object) -> None:
    assert refusal(ItemCreate, {"amount": amount, "currency": "usd"})
    assert refusal(PriceCreate, {**PRICE, "unit_amount": amount})


@pytest.mark.parametrize(("amount", "fits"), [(99_999_999, True), (100_000_000, False), (-99_999_999, True)])
def test_an_amount_has_at_most_eight_digits(amount: int, fits: bool) -> None:  # noqa: FBT001
    body = {"amount": amount, "currency": "usd"}
    if fits:
        assert ItemCreate.model_validate(body).amount == amount
    else:
        assert "amount" in refusal(ItemCreate, body)


@pytest.mark.parametrize("price", [{"unit_amount": 150_000_000}, {"unit_amount_decimal": "150000000.5"}])
def test_a_price_in_rupiah_has_more_digits(price: dict[str, object]) -> None:
    bare = {name: value for name, value in PRICE.items() if not name.startswith("unit_amount")}
    PriceCreate.model_validate({**bare, **price, "currency": "idr"})
    assert "99999999" in refusal(PriceCreate, {**bare, **price, "currency": "usd"})


@pytest.mark.parametrize("amount", [5120, -5120, 0])
def test_an_amount_of_three_decimals_ends_in_zero(amount: int) -> None:
    ItemCreate.model_validate({"amount": amount, "currency": "kwd"})
    assert "multiple of 10" in refusal(ItemCreate, {"amount": amount + 5, "currency": "kwd"})
    assert "multiple of 10" in refusal(PriceCreate, {**PRICE, "currency": "kwd", "unit_amount": 5125})
    assert "multiple of 10" in refusal(
        ItemCreate, {"price_data": {**DATA, "currency": "kwd", "unit_amount": 5125}, "quantity": 1}
    )


def test_an_amount_without_decimals_is_any_integer() -> None:
    assert ItemCreate.model_validate({"amount": 501, "currency": "jpy"}).amount == 501


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "exactly one of price, price_data, amount"),
        ({"price": "price_1", **ITEM}, "exactly one of price, price_data, amount"),
        ({"price": "price_1", "price_data": DATA}, "exactly one of price, price_data, amount"),
        ({"amount": 1}, "must be given with amount"),
        ({**ITEM, "quantity": 2}, "goes with a price"),
        ({"price": "price_1", "currency": "usd"}, "a price has its own"),
        ({"price_data": {**DATA, "unit_amount_decimal": "1"}}, "exactly one of unit_amount"),
        ({"price_data": {"currency": "usd", "product": "prod_1"}}, "exactly one of unit_amount"),
        ({**ITEM, "description": "a" * 501}, "500"),
        ({"price": "price_1", "quantity": -1}, "greater than or equal to 0"),
        ({"price": "price_1", "quantity": 1, "quantity_decimal": "1.5"}, "only one of quantity and quantity_decimal"),
        ({"price": "price_1", "quantity_decimal": "-1"}, "pattern"),
        ({"price": "price_1", "tax_behavior": "inclusive"}, "goes with amount or unit_amount_decimal"),
        ({**ITEM, "tax_code": "txcd_1"}, "what the product is called"),
        ({**ITEM, "amount": -1, "description": "A", "tax_code": "txcd_1"}, "must not be below zero"),
        ({"unit_amount_decimal": "1", "description": "A"}, "must be given with unit_amount_decimal"),
        ({"unit_amount_decimal": "100000000", "currency": "usd", "description": "A"}, "must be at most"),
        ({"invoice_item": "ii_1", "price": "price_1"}, "exactly one of"),
        ({"price_data": {"currency": "usd", "unit_amount": 1}}, "exactly one of product and product_data"),
        ({**ITEM, "discounts": [{"coupon": "A", "discount": "di_1"}]}, "exactly one of coupon"),
    ],
)
def test_an_item_has_exactly_one_form(body: dict[str, Any], says: str) -> None:
    assert says in refusal(ItemCreate, body)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"price": "price_1", "amount": 1}, "only one of price, price_data, amount"),
        ({"price": None}, "must not be null"),
        ({"quantity": None}, "must not be null"),
        ({"amount": None}, "must not be null"),
        ({"period": None}, "must not be null"),
        ({"unit_amount_decimal": "1"}, "what the product is called"),
    ],
)
def test_a_change_of_an_item_has_at_most_one_form(body: dict[str, Any], says: str) -> None:
    assert says in refusal(ItemUpdate, body)


@pytest.mark.parametrize(("count", "fits"), [(0, True), (250, True), (251, False)])
def test_an_invoice_is_created_with_at_most_250_items(count: int, fits: bool) -> None:  # noqa: FBT001
    body = {**INVOICE, "items": [ITEM] * count}
    if fits:
        assert len(InvoiceCreate.model_validate(body).items) == count
    else:
        assert "250" in refusal(InvoiceCreate, body)


@pytest.mark.parametrize("model", [InvoiceCreate, InvoiceUpdate])
def test_an_invoice_has_at_most_four_custom_fields(model: type[BaseModel]) -> None:
    rest = INVOICE if model is InvoiceCreate else {}
    model.model_validate({**rest, "custom_fields": [FIELD] * 4})
    assert "at most 4" in refusal(model, {**rest, "custom_fields": [FIELD] * 5})


@pytest.mark.parametrize(
    "field",
    [{"name": "", "value": "1"}, {"name": "a" * 41, "value": "1"}, {"name": "a", "value": "1" * 141}, {"name": "a"}],
)
def test_a_custom_field_has_a_short_name_and_a_short_value(field: dict[str, Any]) -> None:
    assert refusal(InvoiceCreate, {**INVOICE, "custom_fields": [field]})
    assert refusal(CustomerCreate, {"invoice_settings": {"custom_fields": [field]}})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({**INVOICE, "due_at": SOON}, "only one of days_until_due and due_at"),
        ({**INVOICE, "collection_method": "charge_automatically"}, "goes with send_invoice only"),
        ({**INVOICE, "days_until_due": 1826}, "1825"),
        ({**INVOICE, "days_until_due": True}, "int_type"),
    ],
)
def test_an_invoice_says_once_when_it_is_due(body: dict[str, Any], says: str) -> None:
    assert says in refusal(InvoiceCreate, body)


def test_a_change_says_at_most_once_when_an_invoice_is_due() -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    assert "only one of" in refusal(InvoiceUpdate, {"days_until_due": 1, "due_at": soon})
    assert "must not be null" in refusal(InvoiceUpdate, {"due_at": None})


@pytest.mark.parametrize(
    "time",
    [
        0,
        "0",
        1795420800,
        "tomorrow",
        "2026-11-01",
        "2026-11-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        None,
    ],
)
def test_a_time_is_rfc_3339_with_its_offset(time: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Time).validate_python(time)


@pytest.mark.parametrize("time", ["2026-11-01T12:00:00Z", "2026-11-01T14:00:00+02:00", "2026-11-01t12:00:00.000z"])
def test_a_time_is_taken_in_utc(time: str) -> None:
    assert TypeAdapter(Time).validate_python(time) == datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "metadata",
    [
        {"reference": "x"},
        {"a": 1},
        {"": "x"},
        {"a" * 41: "x"},
        {"a[b]": "x"},
        {"a\x00": "x"},
        {"a": "x" * 501},
        {"a": "\x00"},
        {str(n): "x" for n in range(50)},
        [],
    ],
)
def test_metadata_keeps_to_stripes_limits_and_leaves_our_key_alone(metadata: object) -> None:
    assert refusal(ProductCreate, {"name": "A", "metadata": metadata})
    assert refusal(ProductUpdate, {"metadata": metadata})


def test_metadata_within_the_limits_is_taken_and_null_removes_a_key() -> None:
    full = {str(n).rjust(40, "k"): "v" * 500 for n in range(49)}
    assert ProductCreate.model_validate({"name": "A", "metadata": full}).metadata == full
    assert "string_type" in refusal(ProductCreate, {"name": "A", "metadata": {"a": None}})
    assert TypeAdapter(MetadataUpdate).validate_python({"a": None}) == {"a": None}


@pytest.mark.parametrize("text", ["a\x00", "\x1b[31m", "a\x07b", "\x0b"])
def test_a_text_holds_no_control_characters(text: str) -> None:
    assert "control characters" in refusal(ProductCreate, {"name": text})


def test_a_text_may_have_lines_and_every_letter() -> None:
    text = "Zürich\n\t\r漢字 🎉"
    assert ProductCreate.model_validate({"name": text}).name == text


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Currency, ["usd", "jpy"], ["us", "usdx", "", "u$d", "usd\n", "ußd"]),
        (
            StripeId,
            ["cus_1", "pm_card_visa", "consulting-hour"],
            ["", "a/b", "a b", "../x", "a?b", "ä", "a" * 256, "cus_1\n"],
        ),
        (Reference, ["order-1042", "ä", "a" * 200], ["", "a" * 201, "a\x00", "a\nb"]),
        (Email, ["a@b", "jenny.rosen@example.com"], ["a", "a@", "@b", "a b@c", "a@b@c", "a@b\n"]),
        (Quantity, [0, 1_000_000_000], [-1, 1_000_000_001, True, 1.5, "1"]),
    ],
)
def test_a_short_field_has_its_shape(kind: Any, good: list[object], bad: list[object]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind, config={"strict": True})
    assert [adapter.validate_python(value) for value in good] == good
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_a_payment_goes_one_way() -> None:
    assert "exclude each other" in refusal(InvoicePay, {"payment_method": "pm_1", "paid_out_of_band": True})


def test_the_parameters_of_a_create_are_what_was_said_without_its_nulls() -> None:
    body = {**INVOICE, "footer": None, "items": [{**ITEM, "quantity": None}], "metadata": {}}
    assert InvoiceCreate.model_validate(body).params() == {
        **INVOICE,
        "items": [ITEM],
        "metadata": {},
        "collection_method": "send_invoice",
        "auto_advance": False,
    }


def test_the_parameters_of_a_change_are_what_was_said_with_its_nulls() -> None:
    body = {"description": None, "metadata": {"a": None}}
    assert InvoiceUpdate.model_validate(body).params() == body


def test_a_decimal_amount_is_written_in_the_digits_that_stripe_reads() -> None:
    assert "string_pattern_mismatch" in refusal(
        PriceCreate, {**PRICE, "unit_amount": None, "unit_amount_decimal": "\u0663"}
    )
