"""The SQL statements about portal links: add, find, revoke."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Text, bindparam, func, insert, select, update

from app.access.key_statements import CHANNEL
from app.db.engine import Connection
from app.db.schema import customers, invoices, payment_links, portal_links
from app.db.statement import Statement, any_of, parameters
from app.domain.payment_link import PortalLink, link_id_in_portal

_C = portal_links.c
_THE_LINK = _C.id == bindparam("link")
_OF_THE_CUSTOMER = _C.customer == bindparam("customer")

_ADD = Statement(insert(portal_links).values(parameters("id", "customer", "expires_at")))
_REVOKE = Statement(
    update(portal_links)
    .values(revoked_at=func.coalesce(_C.revoked_at, func.now()))
    .where(_C.id == any_of("links", Text), _OF_THE_CUSTOMER)
    .returning(func.pg_notify(CHANNEL, _C.id))
)
_P = payment_links.c
_PAYABLE = Statement(
    select(_P.invoice)
    .join(invoices, invoices.c.id == _P.invoice)
    .where(invoices.c.customer == bindparam("customer"), _P.revoked_at.is_(None))
    .distinct()
)
_REVOKE_PAYMENT_LINKS = Statement(
    update(payment_links)
    .values(revoked_at=func.now())
    .where(_P.id == any_of("links", Text), _P.revoked_at.is_(None))
    .returning(func.pg_notify(CHANNEL, _P.invoice))
)
_REVOKED_AT = Statement(
    select(_C.revoked_at)
    .join_from(portal_links, customers, customers.c.id == _C.customer)
    .where(_THE_LINK, _OF_THE_CUSTOMER, customers.c.deleted_at.is_(None))
)
_IN_FORCE = Statement(select(_C.id).where(_OF_THE_CUSTOMER, _C.revoked_at.is_(None), _C.expires_at > func.now()))
_HOLD = Statement(select(_C.id).where(_THE_LINK, _C.revoked_at.is_(None)).with_for_update(read=True))


async def add(connection: Connection, link: PortalLink) -> None:
    await _ADD.execute(connection, id=link.id, customer=link.customer, expires_at=link.expires_at)


async def revoke(connection: Connection, link_ids: Sequence[str], customer_id: str) -> bool:
    """Revoke the links and the payment links they led to, and notify every process. False: the customer has none of them."""
    if not await _REVOKE.execute(connection, links=list(link_ids), customer=customer_id):
        return False
    payable = await _PAYABLE.column(connection, customer=customer_id)
    opened = [link_id_in_portal(portal, invoice) for portal in link_ids for invoice in payable]
    await _REVOKE_PAYMENT_LINKS.execute(connection, links=opened)
    return True


async def revoke_all(connection: Connection, customer_id: str) -> None:
    """Revoke all links of the customer."""
    await revoke(connection, await _IN_FORCE.column(connection, customer=customer_id), customer_id)


async def revoked_at(connection: Connection, link: PortalLink) -> tuple[bool, datetime | None]:
    """Whether `link` is recorded and its customer still there, and when it was revoked."""
    found = await _REVOKED_AT.column(connection, link=link.id, customer=link.customer)
    return (True, found[0]) if found else (False, None)


async def hold(connection: Connection, link_id: str) -> bool:
    """Let nobody revoke the link until the caller's transaction ends. Returns False if it is revoked already."""
    return bool(await _HOLD.column(connection, link=link_id))
