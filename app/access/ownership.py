"""Statements about which customer owns what, for callers who may see only their own."""

from sqlalchemy import bindparam, exists, select

from app.db.engine import Connection
from app.db.schema import customers, invoices
from app.db.statement import Statement

_IS_INVOICE = exists().where(invoices.c.id == bindparam("invoice"))
_KNOWN = Statement(select(_IS_INVOICE))
_OWNED = Statement(
    select(_IS_INVOICE.where(invoices.c.customer == bindparam("customer"), invoices.c.deleted_at.is_(None)))
)
_CUSTOMER = Statement(
    select(customers.c.id)
    .where(customers.c.reference == bindparam("reference"), customers.c.deleted_at.is_(None))
    .order_by(customers.c.created_at)
    .limit(1)
)


async def owns_invoice(connection: Connection, customer: str, invoice_id: str) -> bool:
    """Whether the invoice exists and belongs to the customer."""
    return bool(await _OWNED.value(connection, invoice=invoice_id, customer=customer))


async def is_invoice(connection: Connection, invoice_id: str) -> bool:
    """Whether the invoice exists or existed: deleted drafts count."""
    return bool(await _KNOWN.value(connection, invoice=invoice_id))


async def customer_of_reference(connection: Connection, reference: str) -> str | None:
    found: str | None = await _CUSTOMER.value(connection, reference=reference)
    return found
