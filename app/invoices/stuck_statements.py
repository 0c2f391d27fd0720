"""The SQL statements about what a person must do: which invoices wait for one, and which lack their next step."""

from datetime import datetime

import asyncpg

from app.db.engine import Connection

_PAGE = """
SELECT id, stuck_since FROM invoices
WHERE stuck_since <= now() AND (stuck_since, id) > (coalesce($1, '-infinity'::timestamptz), $2::text)
  AND (status IN ('draft', 'open') OR next_step IN ('answer_dispute', 'refund_payment')) AND deleted_at IS NULL
  AND ($3::text IS NULL OR customer = $3) AND ($4::text IS NULL OR customer = $4)
ORDER BY stuck_since, id
LIMIT $5
"""

_LACKING = """
SELECT id FROM invoices WHERE next_step IS NULL AND status IN ('draft', 'open') ORDER BY id LIMIT $1
"""


async def page(
    connection: Connection, after: tuple[datetime | None, str], customers: tuple[str | None, str | None], limit: int
) -> list[asyncpg.Record]:
    """The `id` and `stuck_since` of invoices that wait for a person, behind `after`. None of `customers` matches all."""
    return await connection.fetch(_PAGE, *after, *customers, limit)


async def without_next_step(connection: Connection, limit: int) -> list[str]:
    """Drafts and open invoices whose next step nobody has found yet."""
    return [row["id"] for row in await connection.fetch(_LACKING, limit)]
