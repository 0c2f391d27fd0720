"""Owns the statements that find what may have drifted from Stripe: what is not at its end, or lags behind itself."""

from collections.abc import Collection
from datetime import timedelta

from app.db.engine import Connection

_UNFINISHED = """
SELECT id FROM invoices
WHERE status IN ('draft', 'open', 'uncollectible') AND deleted_at IS NULL AND updated_at < now() - $2::interval
  AND NOT id = ANY($1::text[])
"""

_LAGGING = """
SELECT invoice.id
FROM fulfillments fulfillment JOIN invoices invoice ON invoice.id = fulfillment.invoice
WHERE invoice.deleted_at IS NULL AND invoice.updated_at < now() - $1::interval
  AND ((invoice.status = 'paid' AND fulfillment.status <> 'fulfilled')
    OR (invoice.status = 'void' AND fulfillment.status NOT IN ('canceled', 'fulfilled'))
    OR (invoice.status = 'uncollectible' AND fulfillment.status NOT IN ('written_off', 'fulfilled')))
UNION
SELECT id FROM invoices
WHERE created_at > now() - $2::interval AND status <> 'draft' AND deleted_at IS NULL
  AND updated_at < now() - $1::interval
  AND NOT EXISTS (SELECT FROM fulfillments WHERE fulfillments.invoice = invoices.id)
"""

_ORPHANS = """
SELECT DISTINCT customer FROM invoices
WHERE created_at > now() - $1::interval AND customer IS NOT NULL AND deleted_at IS NULL
  AND NOT EXISTS (SELECT FROM customers WHERE customers.id = invoices.customer)
  AND NOT EXISTS (SELECT FROM tombstones WHERE tombstones.id = invoices.customer)
"""


async def unfinished(connection: Connection, except_for: Collection[str], settled: timedelta) -> list[str]:
    """Invoices that can still change, except for some, and for those that changed here just now."""
    return [row[0] for row in await connection.fetch(_UNFINISHED, list(except_for), settled)]


async def lagging(connection: Connection, settled: timedelta, young: timedelta) -> list[str]:
    """Invoices whose fulfillment has not followed them: any that has one, and of those without one the younger."""
    return [row[0] for row in await connection.fetch(_LAGGING, settled, young)]


async def orphans(connection: Connection, young: timedelta) -> list[str]:
    """Customers of the younger invoices that are not known here."""
    return [row[0] for row in await connection.fetch(_ORPHANS, young)]
