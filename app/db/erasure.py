"""Owns the statements of erasure: where a customer left traces in what is kept, and putting back what is left of them."""

from collections.abc import Callable, Sequence

from app.db.engine import Connection

PAGE = 200

_TRACES = """
WITH traced AS (
    SELECT unnest($1::text[]) AS id
    UNION SELECT id FROM invoices WHERE customer = ANY($1::text[])
    UNION SELECT payment.payment_intent FROM invoice_payments payment
        JOIN invoices invoice ON invoice.id = payment.invoice WHERE invoice.customer = ANY($1::text[])
)
"""

_EVENTS = f"""
{_TRACES}
SELECT event.id, event.payload FROM webhook_events event JOIN traced ON event.object_id = traced.id
WHERE event.id > $2 ORDER BY event.id LIMIT {PAGE}
"""  # noqa: S608 -- only constants of this module are interpolated

_MENTIONS = f"""
SELECT id, payload, received_at FROM (
    SELECT id, payload, received_at FROM webhook_events
    WHERE (received_at, id) > ($2::timestamptz, $3) ORDER BY received_at, id LIMIT {PAGE}
) page
"""  # noqa: S608 -- only constants of this module are interpolated

_ANSWERS = f"""
{_TRACES}
SELECT operation.id::text AS id, operation.answer_body AS payload
FROM operations operation JOIN traced ON operation.subject = traced.id
WHERE operation.answered_at IS NOT NULL AND operation.id::text > $2 ORDER BY operation.id::text LIMIT {PAGE}
"""  # noqa: S608 -- only constants of this module are interpolated

Scrub = Callable[[str], str]
"""From a stored document to what may stay of it."""


async def forget(connection: Connection, customers: Sequence[str], scrub: Scrub) -> int:
    """Scrub the events and the stored answers about `customers`, their invoices and payments; how many changed."""
    changed = 0
    for select, update in (
        (_EVENTS, _update("webhook_events", "payload = new.document")),
        (_ANSWERS, _update("operations", "answer_body = new.document, params = '{}'::jsonb")),
    ):
        after = ""
        while rows := await connection.fetch(select, list(customers), after):
            changed += await _put_back(connection, update, rows, scrub)
            after = rows[-1]["id"]
    return changed


def _update(table: str, assignments: str) -> str:
    return (
        f"UPDATE {table} row SET {assignments} "  # noqa: S608 -- names of this module
        "FROM unnest($1::text[], $2::text[]) AS new (id, document) WHERE row.id::text = new.id"
    )
