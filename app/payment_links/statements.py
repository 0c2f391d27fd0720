"""The SQL statements about payment links: add, revoke, and take the turn to ask Stripe."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Interval, bindparam, case, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from app.access.key_statements import CHANNEL
from app.db.engine import Connection
from app.db.schema import invoices, payment_links
from app.db.statement import Statement, parameters
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.domain.payment_link import PaymentLink

MOST_REVISIONS = 20
"""The most revisions in a row that a link follows."""

_C = payment_links.c
_THE_LINK = _C.id == bindparam("link")
_OF_THE_INVOICE = _C.invoice == bindparam("invoice")

_ADD = Statement(
    insert(payment_links)
    .values(
        parameters(
            *("id", "invoice", "expires_at", "minimum_payment", "promotion_codes", "save_payment_method", "return_url")
        )
    )
    .on_conflict_do_nothing(index_elements=[_C.id])
)
_REVOKE = Statement(
    update(payment_links)
    .values(revoked_at=func.coalesce(_C.revoked_at, func.now()))
    .where(_THE_LINK, _OF_THE_INVOICE)
    .returning(func.pg_notify(CHANNEL, _C.invoice))
)
_REPLACED_BY = case(
    (invoices.c.status == InvoiceStatus.VOID, cast(invoices.c.document, JSONB)["latest_revision"].astext)
)
_RECORDED = Statement(
    select(
        *(_C.id, _C.revoked_at, _C.minimum_payment, _C.save_payment_method.label("saves"), _C.return_url),
        _REPLACED_BY.label("replaced_by"),
    )
    .join_from(payment_links, invoices, invoices.c.id == _C.invoice)
    .where(_THE_LINK, _OF_THE_INVOICE)
)
_REVISED = Statement(select(_REPLACED_BY.label("replaced_by")).where(invoices.c.id == bindparam("invoice")))
_TAKE_TURN = Statement(
    update(payment_links)
    .values(asked_at=func.now())
    .where(_THE_LINK, or_(_C.asked_at.is_(None), _C.asked_at < func.now() - bindparam("pause", type_=Interval)))
)

MOST_CODES = 20
"""The most promotion codes that may be tried at one link, so that nobody finds codes by guessing."""
_ALLOWS_CODES = Statement(select(_C.promotion_codes).where(_THE_LINK))
_TAKE_ATTEMPT = Statement(
    update(payment_links)
    .values(code_attempts=_C.code_attempts + 1)
    .where(_THE_LINK, _C.promotion_codes, _C.code_attempts < MOST_CODES)
)


async def add(
    connection: Connection,
    link: PaymentLink,
    minimum_payment: int | None = None,
    *,
    promotion_codes: bool = False,
    return_url: str | None = None,
) -> None:
    """Record `link`, and what may be done with it. A link that is recorded already stays as it is."""
    told = {"id": link.id, "invoice": link.invoice, "expires_at": link.expires_at, "save_payment_method": link.saves}
    await _ADD.execute(
        connection, **told, minimum_payment=minimum_payment, promotion_codes=promotion_codes, return_url=return_url
    )


async def allows_codes(connection: Connection, link_id: str) -> bool:
    """Whether the link takes promotion codes while its invoice is a draft."""
    return bool(await _ALLOWS_CODES.value(connection, link=link_id))


async def take_attempt(connection: Connection, link_id: str) -> bool:
    """Count a promotion code that is tried. False where the link takes none, or none any more."""
    return await _TAKE_ATTEMPT.execute(connection, link=link_id) == 1


async def revoke(connection: Connection, link_id: str, invoice_id: str) -> bool:
    """Revoke the link for good, and notify every process. Returns whether the invoice has such a link."""
    return await _REVOKE.execute(connection, link=link_id, invoice=invoice_id) == 1


@dataclass(frozen=True, slots=True)
class RecordedLink:
    """What is recorded of a link: the least part that may be paid, if parts may, and whether it saves.

    invoice: the one that it opens, which is the latest revision of its own. return_url: where its page leads back to
    after paying.
    """

    id: str
    invoice: str
    revoked_at: datetime | None
    minimum_payment: int | None
    saves: bool
    return_url: str | None


async def recorded(connection: Connection, link: PaymentLink) -> RecordedLink | None:
    """What is recorded of `link`; None if nothing is."""
    known: JsonObject | None = await _RECORDED.row(connection, dict, link=link.id, invoice=link.invoice)
    if known is None:
        return None
    opens, replaced_by = link.invoice, known.pop("replaced_by")
    for _ in range(MOST_REVISIONS):
        revision = await _REVISED.fetch(connection, invoice=replaced_by) if replaced_by else []
        if not revision:
            break
        opens, replaced_by = replaced_by, revision[0]["replaced_by"]
    return RecordedLink(**known, invoice=opens)


async def take_turn(connection: Connection, link_id: str, pause_s: float) -> bool:
    """Take the link's turn to ask Stripe. True for one caller every `pause_s` seconds, across all processes."""
    return await _TAKE_TURN.execute(connection, link=link_id, pause=timedelta(seconds=pause_s)) == 1
