"""The SQL statements of erasure: they find stored documents about customers and store the scrubbed ones.

Locked rows are skipped, because their holder may itself wait for the customer's lock; a later sweep finds them. An
operation's parameters are deleted when it is answered. Its answer is made of our own rows, so an answer made after the
erasure holds no personal data.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from app.db.engine import Connection

PAGE = 200
NAME = "erasure_2"
"""Name of the row in `coverage` that says up to when all events are swept.

The number in it rises whenever more counts as personal, so that everything is swept once more. An older release goes on
with its own row.
"""

Scrub = Callable[[str], str]
"""Maps a stored document to the document without personal data."""

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
UPDATE operations operation SET answer_body = new.document
FROM unnest($1::text[], $2::text[]) AS new (id, document)
WHERE operation.id = new.id::uuid AND operation.answer_body <> new.document
"""

_ACTIONS = """
UPDATE fulfillment_actions SET reason = NULL
WHERE id IN (
    SELECT job.id FROM fulfillment_actions job JOIN fulfillments fulfillment ON fulfillment.id = job.fulfillment
    WHERE fulfillment.customer = ANY($1::text[]) AND job.reason IS NOT NULL
    FOR UPDATE OF job SKIP LOCKED
)
"""

_RECEIVED = f"""
SELECT event.received_at, event.id, event.payload AS document, EXISTS (
    SELECT FROM regexp_matches(event.payload, '"customer"\\s*:\\s*"([^"]+)"|"(cus_[^"]+)"', 'g') AS named (ids)
    JOIN customers customer ON customer.id = coalesce(ids[1], ids[2]) WHERE customer.deleted_at IS NOT NULL
) AS mentions
FROM webhook_events event WHERE (event.received_at, event.id) > ($1, $2)
ORDER BY event.received_at, event.id LIMIT {PAGE} FOR UPDATE OF event SKIP LOCKED
"""  # noqa: S608 -- only constants of this module are interpolated


class Place(NamedTuple):
    """The position of a sweep among the events, in the order in which they were received."""

    received_at: datetime
    id: str = ""


async def forget(connection: Connection, customers: Sequence[str], scrub: Scrub) -> int:
    """Scrub the events and stored answers about `customers`, their invoices and the payments of those.

    Also clears the reasons of their fulfillment actions, which may hold a hook's own words. Returns how many documents
    changed.
    """
    await connection.execute(_ACTIONS, list(customers))
    changed = 0
    for select, put in ((_EVENTS, _PUT_EVENTS), (_ANSWERS, _PUT_ANSWERS)):
        after = ""
        while rows := await connection.fetch(select, list(customers), after):
            after = rows[-1]["id"]
            changed += await _put(connection, put, [(row["id"], scrub(row["document"])) for row in rows])
    return changed


async def forget_mentions(connection: Connection, after: Place, scrub: Scrub) -> tuple[int, Place | None]:
    """Scrub the events of the page after `after` that mention an erased customer.

    Returns how many, and the page's end.
    """
    rows = await connection.fetch(_RECEIVED, *after)
    found = [(row["id"], scrub(row["document"])) for row in rows if row["mentions"]]
    changed = await _put(connection, _PUT_EVENTS, found) if found else 0
    return changed, Place(rows[-1]["received_at"], rows[-1]["id"]) if rows else None


async def _put(connection: Connection, statement: str, documents: Sequence[tuple[str, str]]) -> int:
    done = await connection.execute(statement, [one[0] for one in documents], [one[1] for one in documents])
    return int(done.rpartition(" ")[2])


async def erased_since(connection: Connection, since: datetime) -> list[str]:
    """The ids of the customers that were erased since then."""
    rows = await connection.fetch("SELECT id FROM customers WHERE deleted_at >= $1 ORDER BY id", since)
    return [row["id"] for row in rows]


async def erased_among(connection: Connection, customers: Collection[str]) -> set[str]:
    """Which of `customers` are erased."""
    if not customers:
        return set()
    rows = await connection.fetch(
        "SELECT id FROM customers WHERE id = ANY($1::text[]) AND deleted_at IS NOT NULL", list(customers)
    )
    return {row["id"] for row in rows}


async def swept_until(connection: Connection) -> datetime | None:
    """The time up to which all received events are swept; None before the first sweep."""
    found: datetime | None = await connection.fetchval("SELECT complete_until FROM coverage WHERE name = $1", NAME)
    return found


async def note_swept(connection: Connection, until: datetime, documents: int) -> None:
    """Record that all events received before `until` are swept, which changed `documents` documents."""
    await connection.execute(
        """
        INSERT INTO coverage (name, complete_until, repaired) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET
            complete_until = greatest(coverage.complete_until, EXCLUDED.complete_until),
            repaired = coverage.repaired + EXCLUDED.repaired,
            updated_at = now()
        """,
        NAME,
        until,
        documents,
    )
