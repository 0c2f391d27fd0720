"""The statements of the balance report: the money our rows tell of, and the stored days."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    union,
)

from app.db.engine import Connection
from app.db.schema import balance_days, credit_notes, disputes, fulfillments, invoice_payments, invoices, refunds
from app.db.schema.metadata import TIME
from app.db.statement import Statement, any_of, parameters
from app.domain.balance import Beside, Day, Difference, Heading, Movement
from app.domain.credit_note import CreditNoteStatus
from app.domain.dispute import DisputeStatus
from app.domain.json import JsonObject
from app.domain.refund import NEVER_HAPPENED
from app.domain.returns import UNDECIDED

_P, _I, _F, _R, _D, _N, _B = (
    table.c for table in (invoice_payments, invoices, fulfillments, refunds, disputes, credit_notes, balance_days)
)
WITHOUT_MONEY = "requires_action"
"""The status of a refund for which Stripe has moved nothing yet."""

_DETACHED = "canceled"
"""The status of a payment that was detached: its money is no invoice's any more."""


def of_an_invoice(payment_intent: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the PaymentIntent still pays an invoice. What comes back of a detached one is no invoice's money."""
    detached = select(_P.id).where(_P.payment_intent == payment_intent, _P.status == _DETACHED, _P.amount_paid > 0)
    return ~detached.correlate_except(invoice_payments).exists()


def _within(at: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(at >= bindparam("since", type_=TIME), at < bindparam("until", type_=TIME))


def _day(at: ColumnElement[Any]) -> ColumnElement[date]:
    return cast(func.timezone("UTC", at), Date).label("day")


def _known(amount: ColumnElement[Any], at: ColumnElement[Any], key: ColumnElement[Any]) -> Select[Any]:
    """Objects among `ids`, and those of the time asked for that have an amount."""
    found = cast(amount, BigInteger)
    return select(key.label("id"), _day(at), found.label("amount")).where(
        or_(key == any_of("ids", Text), and_(_within(at), found != 0))
    )


_PAID_BY_ROWS_OF_BEFORE = case((_F.payment_intent == _P.payment_intent, _F.amount_paid), else_=0)
_PAID = case(
    (_P.status.is_(None), _PAID_BY_ROWS_OF_BEFORE),
    (_P.payment_record.is_not(None), 0),  # made elsewhere: Stripe's balance does not know it
    (_P.status == "paid", func.coalesce(_P.amount_paid, 0)),
    else_=0,
)


def _payments(*conditions: ColumnElement[bool]) -> Select[Any]:
    paid_at, paid = func.coalesce(_P.paid_at, _I.paid_at), cast(_PAID, BigInteger).label("amount")
    return (
        select(_P.payment_intent.label("id"), _day(paid_at), paid, _I.currency)
        .select_from(
            invoice_payments.join(invoices, _I.id == _P.invoice).outerjoin(fulfillments, _F.invoice == _P.invoice)
        )
        .where(*conditions)
    )


_MOVEMENTS = {
    Heading.PAID: Statement(
        union(  # of three indexes
            _payments(_P.payment_intent == any_of("ids", Text)),
            _payments(_P.status == "paid", _within(_P.paid_at), _PAID != 0),
            _payments(_P.paid_at.is_(None), _I.status == "paid", _within(_I.paid_at), _PAID != 0),
        )
    ),
    Heading.REFUNDED: Statement(
        _known(
            case(
                (_R.status.in_([*sorted(NEVER_HAPPENED), WITHOUT_MONEY]), 0),
                (of_an_invoice(_R.payment_intent), _R.amount),
                else_=0,
            ),
            _R.created_at,
            _R.id,
        ).add_columns(_R.currency)
    ),
    Heading.DISPUTED: Statement(
        _known(
            case(
                (~of_an_invoice(_D.payment_intent), 0),
                (_D.status.in_([*sorted(UNDECIDED), DisputeStatus.LOST]), _D.amount),
                (and_(_D.withdrawn, _D.status != DisputeStatus.WON), _D.amount),
                else_=0,
            ),
            _D.created_at,
            _D.id,
        ).add_columns(_D.currency)
    ),
}
_CREDITED = Statement(
    select(
        _day(_N.created_at),
        _N.currency,
        cast(func.sum(_N.credit_amount + _N.out_of_band_amount), BigInteger).label("credited"),
    )
    .where(_within(_N.created_at), _N.status == CreditNoteStatus.ISSUED, _N.deleted_at.is_(None))
    .group_by(_day(_N.created_at), _N.currency)
)
_INVOICE_PAYMENTS = Statement(
    select(_P.payment_intent).where(_P.payment_intent == any_of("ids", Text), _P.status.is_distinct_from(_DETACHED))
)
_BETWEEN = and_(_B.day >= bindparam("first", type_=Date), _B.day <= bindparam("last", type_=Date))
_FORGET = Statement(delete(balance_days).where(_BETWEEN))
_AMOUNTS = ("paid", "refunded", "disputed", "credited", "fees")
_KEEP = Statement(insert(balance_days).values(**parameters("day", "currency", *_AMOUNTS, "differences")))
_DAYS = Statement(select(balance_days).where(_BETWEEN).order_by(_B.day, _B.currency))


async def movements(
    connection: Connection, heading: Heading, ids: Collection[str], since: datetime, until: datetime
) -> list[Movement]:
    """The money of the objects `ids`, as our rows have it, and of all others from `since` until before `until`.

    An object asked for by its id keeps its own day, even outside of that time. An object without a day has moved no money.
    """
    rows = await _MOVEMENTS[heading].fetch(connection, ids=list(ids), since=since, until=until)
    return [
        Movement(heading, row["id"], row["day"] or since.date(), row["currency"], row["amount"] or 0) for row in rows
    ]


async def credited(connection: Connection, since: datetime, until: datetime) -> list[Beside]:
    """What credit notes gave without a refund, by day and currency."""
    return await _CREDITED.rows(connection, Beside, since=since, until=until)


async def of_invoices(connection: Connection, payment_intents: Collection[str]) -> set[str]:
    """Those of `payment_intents` that are known to pay an invoice, and were not detached from it."""
    return set(await _INVOICE_PAYMENTS.column(connection, ids=list(payment_intents)))


async def keep(connection: Connection, first: date, last: date, days: Sequence[Day]) -> None:
    """Store the days from `first` to `last`, in place of what is stored of them."""
    await _FORGET.execute(connection, first=first, last=last)
    for one in days:
        found = {name: getattr(one, name) for name in ("day", "currency", *_AMOUNTS)}
        await _KEEP.execute(connection, **found, differences=msgspec.to_builtins(one.differences))


async def days(connection: Connection, first: date, last: date) -> list[tuple[Day, datetime]]:
    found = []
    for row in await _DAYS.fetch(connection, first=first, last=last):
        shown: JsonObject = dict(row)
        at, differences = shown.pop("checked_at"), msgspec.json.decode(shown.pop("differences"))
        told = [Difference(**one | {"heading": Heading(one["heading"])}) for one in differences]
        found.append((Day(**shown, differences=told), at.astimezone(UTC)))
    return found
