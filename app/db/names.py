"""What the payment page and mails call what an invoice names by id alone: tax rates, the merchant's tax ids, discounts."""

from typing import Any

from sqlalchemy import JSON, ColumnElement, Text, cast, column, func, select
from sqlalchemy.dialects.postgresql import JSONB

from app.db.schema import coupons, invoice_discounts, invoices, promotion_codes, tax_ids, tax_rates


def _empty(text: str, kind: type[JSON]) -> ColumnElement[Any]:
    return cast(cast(text, Text), kind)


def _named(field: str, name: str) -> ColumnElement[Any]:
    """The ids that the objects which the invoice's document lists as `field` have as `name`."""
    listed = func.coalesce(cast(invoices.c.document, JSONB)[field], _empty("[]", JSONB))
    each = func.jsonb_array_elements(listed).table_valued(column("entry", JSONB)).render_derived(name=f"each_{field}")
    return select(each.c.entry[name].astext).scalar_subquery()


def _by_id(*columns: Any) -> Any:
    return func.coalesce(func.json_object_agg(*columns), _empty("{}", JSON))


_RATE = func.json_build_object("display_name", tax_rates.c.display_name, "percentage", tax_rates.c.percentage)
_RATES = select(_by_id(tax_rates.c.id, _RATE)).where(tax_rates.c.id.in_(_named("taxes", "tax_rate")))
_OF_ACCOUNT = select(
    func.coalesce(
        func.json_agg(func.json_build_object("type", tax_ids.c.type, "value", tax_ids.c.value)), _empty("[]", JSON)
    )
).where(cast(invoices.c.document, JSONB)["account_tax_ids"].op("?")(tax_ids.c.id), tax_ids.c.customer.is_(None))
_NAME = func.coalesce(coupons.c.name, promotion_codes.c.code, invoice_discounts.c.coupon)
_DISCOUNTS = (
    select(_by_id(invoice_discounts.c.id, _NAME))
    .select_from(
        invoice_discounts.outerjoin(coupons, coupons.c.id == invoice_discounts.c.coupon).outerjoin(
            promotion_codes, promotion_codes.c.id == invoice_discounts.c.promotion_code
        )
    )
    .where(invoice_discounts.c.id.in_(_named("discounts", "discount")))
)
NAMES = cast(
    func.json_build_object(
        *("tax_rates", _RATES.correlate(invoices).scalar_subquery()),
        *("account_tax_ids", _OF_ACCOUNT.correlate(invoices).scalar_subquery()),
        *("discounts", _DISCOUNTS.correlate(invoices).scalar_subquery()),
    ),
    Text,
)
"""`{tax_rates: {id: {display_name, percentage}}, account_tax_ids: [{type, value}], discounts: {id: name}}`, as far as known."""
