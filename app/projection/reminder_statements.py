"""The SQL statements about reminders: which are due, adding each once, and forgetting old ones."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from app.db.engine import Connection
from app.domain.reminders import Planned, Reminder

_DUE = """
SELECT invoice.id AS invoice, planned.type, planned.day,
    CASE WHEN planned.fact THEN NULL WHEN invoice.metadata ->> 'reminders' = 'event' THEN 'event' ELSE 'mail' END AS channel
FROM unnest($1::text[], $2::integer[], $3::interval[], $4::interval[], $5::boolean[])
    AS planned (type, day, after, until, fact)
JOIN invoices invoice ON invoice.status = 'open'
    AND invoice.due_at <= $6::timestamptz - planned.after AND invoice.due_at > $6::timestamptz - planned.until
LEFT JOIN fulfillments fulfillment ON fulfillment.invoice = invoice.id
WHERE invoice.amount_remaining > 0 AND invoice.deleted_at IS NULL
  AND ($7::text[] IS NULL OR invoice.id = ANY ($7::text[]))
  AND (planned.fact OR (
    invoice.metadata ->> 'reminders' IS DISTINCT FROM 'off'
    AND fulfillment.attempt IS DISTINCT FROM 'processing' AND fulfillment.status IS DISTINCT FROM 'processing'
    AND coalesce(fulfillment.amount_disputed, 0) = 0
  ))
  AND NOT EXISTS (
    SELECT FROM reminders told
    WHERE told.invoice = invoice.id AND told.type = planned.type AND told.day = planned.day
  )
ORDER BY invoice.due_at, invoice.id, planned.fact DESC, planned.day
LIMIT $8
"""

_ADD = """
INSERT INTO reminders (id, invoice, type, day, channel)
SELECT 'rem_' || left(encode(sha256(convert_to(concat_ws(':', invoice, type, day), 'UTF8')), 'hex'), 32),
    invoice, type, day, channel
FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[]) AS told (invoice, type, day, channel)
ORDER BY 1
ON CONFLICT DO NOTHING
RETURNING invoice, type, day, channel
"""

_FORGET = """
DELETE FROM reminders WHERE id = ANY (ARRAY(
    SELECT id FROM reminders WHERE created_at < now() - $1::interval ORDER BY created_at LIMIT $2
))
"""

_TOLD = """
SELECT count(*) AS times, max(created_at) AS last_at FROM reminders WHERE invoice = $1 AND channel IS NOT NULL
"""


async def due(
    connection: Connection, plan: Sequence[Planned], now: datetime, most: int, among: Collection[str] | None = None
) -> list[Reminder]:
    """What is due of `plan`, oldest due date first, at most `most`; of the invoices `among`, where they are given.

    Reminders stop for what is paid, called off or written off, whose payment is under way or disputed, and that is paused.
    """
    each = zip(*((it.type, it.day, it.after, it.until, it.fact) for it in plan), strict=True)
    rows = await connection.fetch(_DUE, *map(list, each), now, None if among is None else list(among), most)
    return [Reminder(**dict(row)) for row in rows]


async def add(connection: Connection, reminders: Collection[Reminder]) -> list[Reminder]:
    """Record `reminders`, and return those that were not recorded before."""
    if not reminders:
        return []
    each = zip(*((it.invoice, it.type, it.day, it.channel) for it in reminders), strict=True)
    new = {Reminder(**dict(row)) for row in await connection.fetch(_ADD, *map(list, each))}
    return [reminder for reminder in reminders if reminder in new]


async def forget(connection: Connection, kept: timedelta, limit: int) -> int:
    """Delete up to `limit` rows older than `kept`. Returns how many."""
    done: str = await connection.execute(_FORGET, kept, limit)
    return int(done.rpartition(" ")[2])


async def told(connection: Connection, invoice_id: str) -> tuple[int, datetime | None]:
    """How often the invoice's payer was reminded, and when last."""
    row = await connection.fetchrow(_TOLD, invoice_id)
    return (row["times"], row["last_at"]) if row else (0, None)
