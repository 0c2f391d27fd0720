"""An invoice's items, and which PaymentIntent pays which invoice."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Text, bindparam, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.engine import Connection
from app.db.rows import store
from app.db.schema import customers, invoice_items, invoice_payments, tombstones
from app.db.statement import Statement, any_of
from app.domain.json import JsonObject
from app.stripe.mapping import InvoicePayment

_I, _P = invoice_items.c, invoice_payments.c
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
_NAMED = func.unnest(bindparam("ids", type_=ARRAY(Text))).table_valued("id").render_derived(name="named")
_UNKNOWN_CUSTOMERS = Statement(
    select(_NAMED.c.id).where(
        ~exists().where(customers.c.id == _NAMED.c.id), ~exists().where(tombstones.c.id == _NAMED.c.id)
    )
)


async def replace(connection: Connection, items: Mapping[str, Sequence[JsonObject]]) -> None:
    """Replace all items of the invoices in `items`, which maps invoice ids to rows."""
    if not items:
        return
    await _DELETE.execute(connection, invoices=list(items))
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
    """The number of items of the invoice."""
    found: int = await _COUNT.value(connection, invoice=invoice_id)
    return found


async def invoices_of(connection: Connection, payment_intents: Iterable[str]) -> dict[str, str]:
    """The invoices that `payment_intents` pay, as far as known here."""
    rows = await _INVOICES_OF.fetch(connection, payment_intents=list(payment_intents))
    return {row["payment_intent"]: row["invoice"] for row in rows}


async def payments_of(connection: Connection, invoices: Collection[str]) -> list[InvoicePayment]:
    """The payments of `invoices`, as far as known here."""
    return await _PAYMENTS_OF.rows(connection, InvoicePayment, invoices=list(invoices)) if invoices else []


async def unknown_customers(connection: Connection, customers: Collection[str]) -> list[str]:
    """Those of `customers` that are not known here."""
    return await _UNKNOWN_CUSTOMERS.column(connection, ids=list(customers))
