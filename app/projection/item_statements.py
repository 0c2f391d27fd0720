"""An invoice's items, and which PaymentIntent pays which invoice."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    case,
    column,
    delete,
    func,
    not_,
    or_,
    select,
    text,
    tuple_,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.db.engine import Connection
from app.db.rows import store
from app.db.schema import disputes, invoice_items, invoice_payments, refunds
from app.db.schema.metadata import JSON
from app.db.statement import Statement, any_of
from app.domain.json import JsonObject
from app.stripe.mapping import InvoicePayment

_I, _P = invoice_items.c, invoice_payments.c
NEVER = datetime.min.replace(tzinfo=UTC)
RANK = {"open": 1, "paid": 2, "canceled": 3}
"""The order of a payment's statuses: it is requested, made, and perhaps detached."""


def _rank(payment: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[int]:
    return case(RANK, value=payment.status, else_=0)


def later(payment: InvoicePayment, known: InvoicePayment | None) -> InvoicePayment:
    """The later of two by one PaymentIntent."""
    return max(payment, known or payment, key=lambda it: (it.created_at or NEVER, RANK.get(it.status or "", 0)))


_OF_THE_INVOICE = _I.invoice == bindparam("invoice")

_DELETE = Statement(delete(invoice_items).where(_I.invoice == any_of("invoices", Text)))
_ITEMS = Statement(
    select(_I.invoice, func.to_jsonb(invoice_items.table_valued()))
    .where(_I.invoice == any_of("invoices", Text))
    .order_by(_I.invoice, _I.position)
)
_LINE_ITEM = Statement(
    select(_I.line_item).where(_OF_THE_INVOICE, or_(_I.id == bindparam("item"), _I.line_item == bindparam("item")))
)
_COUNT = Statement(select(func.count()).select_from(invoice_items).where(_OF_THE_INVOICE))
_INVOICES_OF = Statement(
    select(_P.payment_intent, _P.invoice).where(_P.payment_intent == any_of("payment_intents", Text))
)
_PAYMENTS_OF = Statement(select(invoice_payments).where(_P.invoice == any_of("invoices", Text)))
_GIVEN = (
    func.jsonb_to_recordset(bindparam("payments", type_=JSON))
    .table_valued(*(column(one.name, one.type) for one in _P))
    .render_derived(name="payment", with_types=True)
)
_KEPT = insert(invoice_payments).from_select([one.name for one in _P], select(*_GIVEN.c))
_MADE, _MADE_BEFORE = (func.coalesce(one.created_at, text("'-infinity'")) for one in (_KEPT.excluded, _P))
_NEWER = tuple_(_MADE, _rank(_KEPT.excluded)) >= tuple_(_MADE_BEFORE, _rank(_P))
_REPLACED = (
    (_MADE >= _MADE_BEFORE, ("id", "invoice", "is_default")),
    (_NEWER, ("status", "amount_requested", "amount_paid", "created_at", "paid_at", "payment_record")),
)
"""When which columns are replaced. One that was detached may pay another invoice by a later payment."""
_KEEP_PAYMENTS = Statement(
    _KEPT.on_conflict_do_update(
        index_elements=[_P.payment_intent],
        set_={
            name: case((newer, _KEPT.excluded[name]), else_=_P[name]) for newer, names in _REPLACED for name in names
        },
    )
)
_DETACH = Statement(
    update(invoice_payments)
    .values(status="canceled")
    .where(
        _P.invoice == any_of("invoices", Text), _P.status == "paid", not_(_P.payment_intent == any_of("listed", Text))
    )
    .returning(_P.invoice)
)
_DETACHED = Statement(
    union(
        select(_P.invoice, _P.payment_intent).where(
            _P.invoice == any_of("invoices", Text), _P.status == "canceled", _P.amount_paid > 0
        ),
        *(
            select(returned.c.invoice, returned.c.payment_intent)
            .join(invoice_payments, _P.payment_intent == returned.c.payment_intent)
            .where(returned.c.invoice == any_of("invoices", Text), _P.invoice != returned.c.invoice)
            for returned in (refunds, disputes)
        ),
    )
)


class Listed(NamedTuple):
    """All payments that Stripe lists of an invoice, and the cause of asking it."""

    payments: Sequence[str]
    cause: str | None


async def replace(connection: Connection, items: Mapping[str, Sequence[JsonObject]], known: Collection[str]) -> None:
    """Replace all items of the invoices in `items`, which maps invoice ids to rows. Only those `known` have any yet."""
    if known:
        await _DELETE.execute(connection, invoices=list(known))
    await store(connection, invoice_items, [row for rows in items.values() for row in rows])


async def of(connection: Connection, invoices: Collection[str]) -> dict[str, list[JsonObject]]:
    """The items of `invoices` in order, as rows by invoice id."""
    found: dict[str, list[JsonObject]] = {}
    for invoice, item in await _ITEMS.fetch(connection, invoices=list(invoices)):
        found.setdefault(invoice, []).append(msgspec.json.decode(item))
    return found


async def line_item(connection: Connection, invoice_id: str, item_id: str) -> str | None:
    """The line item (`il_…`) of the invoice item `item_id` at Stripe; None if there is none."""
    found: str | None = await _LINE_ITEM.value(connection, invoice=invoice_id, item=item_id)
    return found


async def count(connection: Connection, invoice_id: str) -> int:
    found: int = await _COUNT.value(connection, invoice=invoice_id)
    return found


async def invoices_of(connection: Connection, payment_intents: Iterable[str]) -> dict[str, str]:
    """The invoices that `payment_intents` pay, as far as known here."""
    rows = await _INVOICES_OF.fetch(connection, payment_intents=list(payment_intents))
    return {row["payment_intent"]: row["invoice"] for row in rows}


async def payments_of(connection: Connection, invoices: Collection[str]) -> list[InvoicePayment]:
    """The payments of `invoices`, as far as known here."""
    return await _PAYMENTS_OF.rows(connection, InvoicePayment, invoices=list(invoices)) if invoices else []


async def keep_payments(connection: Connection, payments: Collection[InvoicePayment]) -> None:
    """Insert or replace `payments`. A payment's later status stays."""
    if payments:
        await _KEEP_PAYMENTS.execute(connection, payments=list(payments))


async def detach(connection: Connection, payments: Mapping[str, Listed]) -> set[str]:
    """Record which payments were detached: those that Stripe does not list any more. Returns the invoices of these."""
    listed = [one for of_invoice in payments.values() for one in of_invoice.payments]
    return set(await _DETACH.column(connection, invoices=list(payments), listed=listed)) if payments else set()


async def detached(connection: Connection, invoices: Collection[str]) -> dict[str, set[str]]:
    """What paid each of `invoices`, or a part of it, and was detached. It may pay another one by now."""
    found: dict[str, set[str]] = {}
    for invoice, intent in await _DETACHED.fetch(connection, invoices=list(invoices)):
        found.setdefault(invoice, set()).add(intent)
    return found
