"""The SQL statements about payment links: add, revoke, and take the turn to ask Stripe."""

from datetime import datetime, timedelta

from sqlalchemy import Interval, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.access.key_statements import CHANNEL
from app.db.engine import Connection
from app.db.schema import payment_links
from app.db.statement import Statement, parameters
from app.domain.payment_link import PaymentLink

_C = payment_links.c
_THE_LINK = _C.id == bindparam("link")
_OF_THE_INVOICE = _C.invoice == bindparam("invoice")

_ADD = Statement(
    insert(payment_links)
    .values(parameters("id", "invoice", "expires_at"))
    .on_conflict_do_nothing(index_elements=[_C.id])
)
_REVOKE = Statement(
    update(payment_links)
    .values(revoked_at=func.coalesce(_C.revoked_at, func.now()))
    .where(_THE_LINK, _OF_THE_INVOICE)
    .returning(func.pg_notify(CHANNEL, _C.invoice))
)
_REVOKED_AT = Statement(select(_C.revoked_at).where(_THE_LINK, _OF_THE_INVOICE))
_TAKE_TURN = Statement(
    update(payment_links)
    .values(asked_at=func.now())
    .where(
        _THE_LINK,
        or_(_C.asked_at.is_(None), _C.asked_at < func.now() - bindparam("pause", type_=Interval)),
    )
)


async def add(connection: Connection, link: PaymentLink) -> None:
    """Record `link`. A link that is recorded already stays as it is."""
    await _ADD.execute(connection, id=link.id, invoice=link.invoice, expires_at=link.expires_at)


async def revoke(connection: Connection, link_id: str, invoice_id: str) -> bool:
    """Revoke the link for good, and notify every process. Returns whether the invoice has such a link."""
    return await _REVOKE.execute(connection, link=link_id, invoice=invoice_id) == 1


async def revoked_at(connection: Connection, link: PaymentLink) -> tuple[bool, datetime | None]:
    """Whether `link` is recorded, and when it was revoked."""
    found = await _REVOKED_AT.column(connection, link=link.id, invoice=link.invoice)
    return (True, found[0]) if found else (False, None)


async def take_turn(connection: Connection, link_id: str, pause_s: float) -> bool:
    """Take the link's turn to ask Stripe. True for one caller every `pause_s` seconds, across all processes."""
    return await _TAKE_TURN.execute(connection, link=link_id, pause=timedelta(seconds=pause_s)) == 1
