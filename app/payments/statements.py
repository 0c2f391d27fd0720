"""The statements about an invoice's payments: what each paid, what came back of it, and what requests are about to take."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Uuid, bindparam, case, cast, func, select, update

from app.db.engine import Connection
from app.db.schema import disputes, invoice_payments, invoices, operations, payment_links, refunds
from app.db.statement import Statement
from app.domain.json import JsonObject
from app.domain.refund import NEVER_HAPPENED, Payment
from app.stripe.mapping import InvoicePayment

RESERVED = "reserved"
"""The name in an operation's progress of what it is about to take."""
PART = "part"
"""The name in an operation's progress of the part that it is about to begin."""

_P, _R, _D, _O = invoice_payments.c, refunds.c, disputes.c, operations.c
_INVOICE = _P.invoice == bindparam("invoice")
_REFUNDED = (
    select(func.coalesce(func.sum(_R.amount), 0))
    .where(_R.payment_intent == _P.payment_intent, _R.status.not_in(sorted(NEVER_HAPPENED)))
    .scalar_subquery()
)
_CURRENCY = select(invoices.c.currency).where(invoices.c.id == _P.invoice).correlate(invoice_payments).scalar_subquery()
_DISPUTED = (  # one in another currency is taken for one over all that was paid
    select(func.coalesce(func.sum(case((_D.currency == _CURRENCY, _D.amount), else_=_P.amount_paid)), 0))
    .where(_D.payment_intent == _P.payment_intent, ~_D.is_charge_refundable)
    .scalar_subquery()
)
_PAID = Statement(
    select(
        _P.payment_intent,
        _P.amount_paid.label("paid"),
        cast(_REFUNDED, BigInteger).label("refunded"),
        cast(_DISPUTED, BigInteger).label("disputed"),
    )
    .where(_INVOICE, _P.status == "paid", _P.amount_paid > 0, _P.payment_record.is_(None))
    .order_by(_P.paid_at.desc(), _P.id.desc())
)
_PAYMENTS = Statement(select(invoice_payments).where(_INVOICE).order_by(_P.created_at.desc(), _P.payment_intent))
_HAS_RECORD = Statement(select(_P.id).where(_INVOICE, _P.payment_record == bindparam("record")))
_BEGIN_PART = Statement(
    update(payment_links).where(payment_links.c.id == bindparam("link")).values(payment_intent=bindparam("intent"))
)
_L = payment_links.c
_PARTS_WAITING = Statement(
    select(_L.payment_intent)
    .join(invoice_payments, _P.payment_intent == _L.payment_intent)
    .where(_INVOICE, _P.status == "open")
    .order_by(_L.payment_intent)
    .distinct()
)
_PARTS_BEGINNING = Statement(
    select(_O.id).where(_O.subject == bindparam("invoice"), _O.answered_at.is_(None), _O.progress.has_key(PART))
)
_RESERVED = Statement(
    select(_O.progress[RESERVED].label("reserved"))
    .where(
        _O.subject == bindparam("invoice"),
        _O.answered_at.is_(None),
        _O.id != bindparam("operation", type_=Uuid),
        _O.progress.has_key(RESERVED),
    )
)  # fmt: skip
_OF_INVOICE = {
    name: Statement(
        select(table.c.id, table.c.payment_intent)
        .where(table.c.invoice == bindparam("invoice"), table.c.deleted_at.is_(None))
        .order_by(table.c.created_at.desc(), table.c.id.desc())
    )
    for name, table in (("refunds", refunds), ("disputes", disputes))
}


@dataclass(slots=True)
class Reserved:
    """What requests under way are about to refund of each payment, to refund of any, and to credit."""

    by_payment: Counter[str] = field(default_factory=Counter)
    of_any: int = 0
    credited: int = 0


async def paid(connection: Connection, invoice_id: str, reserved: Reserved) -> list[Payment]:
    """The payments that went through Stripe, newest first, with what is known to have come back of each."""
    found = await _PAID.fetch(connection, invoice=invoice_id)
    return [Payment(**row, reserved=reserved.by_payment[row["payment_intent"]]) for row in found]


async def all_of(connection: Connection, invoice_id: str) -> list[InvoicePayment]:
    """All payments of the invoice, newest first."""
    return await _PAYMENTS.rows(connection, InvoicePayment, invoice=invoice_id)


async def has_record(connection: Connection, invoice_id: str, record: str) -> bool:
    return bool(await _HAS_RECORD.fetch(connection, invoice=invoice_id, record=record))


async def parts_waiting(connection: Connection, invoice_id: str) -> list[str]:
    """The PaymentIntents of parts that payers began with payment links, and that nothing was paid with yet."""
    found: list[str] = await _PARTS_WAITING.column(connection, invoice=invoice_id)
    return found


async def part_beginning(connection: Connection, invoice_id: str, except_for: UUID) -> bool:
    """Whether another request is about to begin a part of the invoice."""
    found = await _PARTS_BEGINNING.column(connection, invoice=invoice_id)
    return any(one != except_for for one in found)


async def begin_part(connection: Connection, link_id: str, intent: str) -> None:
    """Record the PaymentIntent of a part that is paid with the payment link."""
    await _BEGIN_PART.execute(connection, link=link_id, intent=intent)


async def returned(connection: Connection, name: str, invoice_id: str) -> list[tuple[str, str | None]]:
    """The `refunds` or `disputes` of the invoice, newest first, as (id, PaymentIntent)."""
    return [(row["id"], row["payment_intent"]) for row in await _OF_INVOICE[name].fetch(connection, invoice=invoice_id)]


async def reserved(connection: Connection, invoice_id: str, except_for: UUID) -> Reserved:
    """What other requests under way are about to take of the invoice.

    A request reserves in its operation's progress, under the invoice's lock and before Stripe is asked. It ends with
    the operation: it is answered in the transaction that stores what was refunded, or refused, or forgotten.
    """
    found = Reserved()
    for text in await _RESERVED.column(connection, invoice=invoice_id, operation=except_for):
        row = msgspec.json.decode(text)
        found.by_payment.update(dict(row.get("payments", [])))
        found.of_any += row.get("of_any", 0)
        found.credited += row.get("credited", 0)
    return found


def reservation(payments: dict[str, int] | None = None, *, of_any: int = 0, credited: int = 0) -> JsonObject:
    """What an operation reserves, as its progress holds it."""
    return {RESERVED: {"payments": [*(payments or {}).items()], "of_any": of_any, "credited": credited}}
