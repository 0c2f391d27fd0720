"""Owns the statements of erasure: where customers left traces in what is kept, and putting back what may stay of it.

What a worker or a request holds right now is passed over, never waited for: it may itself wait for the customer's lock.
A later sweep finds it.
"""

from collections.abc import Callable, Sequence

from app.db.engine import Connection

PAGE = 200

Scrub = Callable[[str], str]
"""From a stored document to what may stay of it."""

_TRACED = """
WITH traced AS (
    SELECT unnest($1::text[]) AS id
    UNION SELECT id FROM invoices WHERE customer = ANY($1::text[])
    UNION SELECT payment.payment_intent FROM invoice_payments payment
        JOIN invoices invoice ON invoice.id = payment.invoice WHERE invoice.customer = ANY($1::text[])
)
"""

_EVENTS = f"""
{_TRACED}
SELECT event.id, event.payload AS document FROM webhook_events event JOIN traced ON event.object_id = traced.id
WHERE event.id > $2 ORDER BY event.id LIMIT {PAGE} FOR UPDATE OF event SKIP LOCKED
"""  # noqa: S608 -- only constants of this module are interpolated

_ANSWERS = f"""
{_TRACED}
SELECT operation.id::text AS id, operation.answer_body AS document
FROM operations operation JOIN traced ON operation.subject = traced.id
WHERE operation.answered_at IS NOT NULL AND operation.id::text > $2 ORDER BY operation.id::text LIMIT {PAGE}
FOR UPDATE OF operation SKIP LOCKED
"""  # noqa: S608 -- only constants of this module are interpolated

_PUT_EVENTS = """
UPDATE webhook_events event SET payload = new.document
FROM unnest($1::text[], $2::text[]) AS new (id, document) WHERE event.id = new.id AND event.payload <> new.document
"""

_PUT_ANSWERS = """
UPDATE operations operation SET answer_body = new.document, params = '{}'::jsonb
FROM unnest($1::text[], $2::text[]) AS new (id, document) WHERE operation.id = new.id::uuid
"""

_PAGE_OF_ALL = f"""
SELECT id, payload AS document,
    EXISTS (SELECT FROM customers WHERE deleted_at IS NOT NULL AND strpos(payload, customers.id) > 0) AS mentions
FROM webhook_events WHERE id > $1 ORDER BY id LIMIT {PAGE} FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- only constants of this module are interpolated


async def forget(connection: Connection, customers: Sequence[str], scrub: Scrub) -> None:
    """Scrub the events and the stored answers about `customers`, about their invoices, and about the payments of those."""
    for select, put in ((_EVENTS, _PUT_EVENTS), (_ANSWERS, _PUT_ANSWERS)):
        after = ""
        while rows := await connection.fetch(select, list(customers), after):
            after = rows[-1]["id"]
            await connection.execute(put, [row["id"] for row in rows], [scrub(row["document"]) for row in rows])


async def forget_mentions(connection: Connection, after: str, scrub: Scrub) -> str | None:
    """Scrub whatever event mentions a customer that was deleted, a page after the id `after`; the page's last id."""
    rows = await connection.fetch(_PAGE_OF_ALL, after)
    found = [row for row in rows if row["mentions"]]
    if found:
        await connection.execute(_PUT_EVENTS, [row["id"] for row in found], [scrub(row["document"]) for row in found])
    return rows[-1]["id"] if rows else None
