"""The documents of mirrored rows: as rows hold them, and made from columns where a row holds none yet.

A later release drops the columns that only documents show, and what is made from them.
"""

from functools import reduce
from operator import add
from typing import Any

import msgspec
from sqlalchemy import JSON, ColumnElement, Table, Text, case, cast, column, func, literal, null, select
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from app.db.schema import fulfillments, invoice_items, invoice_payments, invoices, metadata
from app.db.schema.fulfillments import EFFECTIVE_STATUS
from app.stripe.fields import Fields
from app.stripe.mapping import FIELDS, ITEM, VERSIONS, Kind

TABLES: dict[Kind, Table] = {kind: metadata.tables[f"{kind}s"] for kind in Kind}
"""The tables are called as Stripe's lists are."""


def time(value: ColumnElement[Any]) -> ColumnElement[str]:
    """A time as RFC 3339 in UTC."""
    return func.to_char(func.timezone("UTC", value), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"', type_=Text)


def columns(table: Table, *shown: str | ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Columns of `table` by name, with times as RFC 3339, and what else is shown beside them."""
    found = [table.c[one] if isinstance(one, str) else one for one in shown]
    return [time(one).label(one.name) if isinstance(one.type, TIMESTAMP) else one for one in found]


def made(table: Table, fields: Fields, version: int | None = None) -> list[ColumnElement[Any]]:
    """The fields of a document of `version`, or all, from columns. What came later is empty unless a column holds it."""
    found: list[ColumnElement[Any]] = []
    for name, inner in fields.documented(version or fields.version):
        if inner:
            values = [part for one in inner for part in (one, _value(table, fields, one))]
            found.append(func.json_build_object(*values).label(name))
        else:
            found.append(_value(table, fields, name).label(name))
    return found


def _value(table: Table, fields: Fields, name: str) -> ColumnElement[Any]:
    if name not in fields.later or name in table.c:
        return columns(table, name)[0]
    empty = fields.later[name]
    return null() if empty is None else cast(cast(_json(empty), Text), JSON)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_ITEMS = (
    select(*made(invoice_items, ITEM))
    .where(invoice_items.c.invoice == invoices.c.id)
    .order_by(invoice_items.c.position)
    .correlate(invoices)
    .subquery("listed")
)
ITEMS = func.coalesce(select(func.json_agg(_ITEMS.table_valued())).scalar_subquery(), "[]")
"""The items of an invoice, made from their rows."""

_P = invoice_payments.c
_PAYMENTS = (
    select(
        *columns(
            invoice_payments,
            *(
                "id",
                case((_P.payment_record.is_(None), _P.payment_intent)).label("payment_intent"),
                "payment_record",
                "is_default",
                "status",
                "amount_requested",
                "amount_paid",
                "created_at",
                "paid_at",
            ),
        )
    )
    .where(invoice_payments.c.invoice == invoices.c.id)
    .order_by(invoice_payments.c.created_at.desc(), invoice_payments.c.payment_intent)
    .correlate(invoices)
    .subquery("listed")
)
PAYMENTS = func.coalesce(select(func.json_agg(_PAYMENTS.table_valued())).scalar_subquery(), "[]")
"""The payments of an invoice, newest first."""

FULFILLMENT = (
    select(
        func.json_build_object(
            "status", EFFECTIVE_STATUS, "fulfilled_at", time(fulfillments.c.fulfilled_at), type_=JSON
        )
    )
    .where(fulfillments.c.invoice == invoices.c.id)
    .scalar_subquery()
)

MORE = "\x01"
"""Stands between a document and what is added to it; no JSON contains it. PostgreSQL would count all characters to cut one."""


def stored(kind: Kind, **beside: ColumnElement[str]) -> ColumnElement[str]:
    """The document that a row holds as text; null where it holds none.

    `beside` maps names to JSON that is added to it. Later fields that an older document lacks are added with empty
    values. It becomes JSON by `whole`.
    """
    row, fields = TABLES[kind].c, FIELDS[kind]
    more: list[ColumnElement[str] | str] = [text for name, it in beside.items() for text in (f',"{name}":', it)]
    document: ColumnElement[str] = row.document
    for version in range(2, VERSIONS[kind] + 1):
        later = fields.lacking(version)
        lacking = {name: value for name, value in fields.lacking(version - 1).items() if name not in later}
        outside = [
            text
            for name, value in lacking.items()
            if name not in fields.grouped
            for text in (f',"{name}":', _held(row, name, value))
        ]
        if outside:
            more.append(case((row.document_version < version, _joined(*outside)), else_=""))
        for name in lacking.keys() & fields.grouped.keys():
            group = f'"{fields.grouped[name]}":{{'
            document = case(
                (
                    row.document_version < version,
                    func.replace(document, group, f'{group}"{name}":{_json(lacking[name])},'),
                ),
                else_=document,
            )
    return _joined(document, MORE, *more, "}") if more else document


def whole(text: str) -> str:
    """A text with documents as `stored` selects them, as JSON: what is added goes before the brace that ends them."""
    *begun, rest = text.split(MORE)
    return "".join([one[:-1] for one in begun]) + rest


def _held(row: Any, name: str, empty: object) -> ColumnElement[str] | str:
    return as_json(row[name]) if name in row else _json(empty)


def _joined(*texts: ColumnElement[str] | str) -> ColumnElement[str]:
    return reduce(add, (literal(text, Text) if isinstance(text, str) else text for text in texts))


def stored_items() -> ColumnElement[str]:
    """The items that a row holds, as text, with empty values for the fields that older items lack."""
    row = invoices.c
    if not ITEM.later:
        return row.items_document
    listed = func.jsonb_array_elements(cast(row.items_document, JSONB)).table_valued(
        column("item", JSONB), with_ordinality="position"
    )
    listed = listed.render_derived(name="listed")
    whole = cast(cast(_json(ITEM.later), Text), JSONB) + listed.c.item
    completed = func.jsonb_agg(whole).aggregate_order_by(listed.c.position)
    return case(
        (row.document_version >= VERSIONS[Kind.INVOICE], row.items_document),
        else_=select(func.coalesce(cast(completed, Text), "[]")).scalar_subquery(),
    )


JOINED_FULFILLMENT = func.coalesce(
    _joined(
        '{"status":"',
        EFFECTIVE_STATUS,
        '","fulfilled_at":',
        func.coalesce(_joined('"', time(fulfillments.c.fulfilled_at), '"'), "null"),
        "}",
    ),
    "null",
)
"""The same as FULFILLMENT, as text, of a row that is joined."""
WITH_FULFILLMENT = invoices.outerjoin(fulfillments, fulfillments.c.invoice == invoices.c.id)


def as_json(value: ColumnElement[Any]) -> ColumnElement[str]:
    return func.coalesce(cast(func.to_json(value), Text), "null")
