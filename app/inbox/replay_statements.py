"""Owns the statements that put events back into the inbox, so that they are processed again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from app.db.documents import EVENT
from app.db.engine import Connection
from app.inbox.statements import CHANNEL, UNKNOWN_TYPE


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to replay; what is None is not asked for."""

    id: str | None = None
    type: str | None = None
    status: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        """What was asked for, as a person reads it in the audit log."""
        given = ((name, value) for name, value in asdict(self).items() if value is not None)
        said = (
            f"{name} {value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else f"{name} {value}"
            for name, value in given
        )
        return ", ".join(said) or "all"


_MATCHING = """
SELECT id FROM webhook_events
WHERE ($1::text IS NULL OR id = $1)
  AND ($2::text IS NULL OR type = $2)
  AND ($3::text IS NULL OR status = $3)
  AND ($4::text IS NULL OR object_id = $4)
  AND ($5::timestamptz IS NULL OR received_at >= $5)
  AND ($6::timestamptz IS NULL OR received_at < $6)
  AND status IN ('processed', 'ignored', 'failed', 'dead')
  AND type = ANY($7::text[]) AND livemode = $8 AND account IS NULL
ORDER BY received_at, id
"""

_REQUEUE = f"""
WITH replayed AS (
    UPDATE webhook_events
    SET status = 'received', attempts = 0, last_error = NULL, next_attempt_at = now()
    WHERE id = ANY($1::text[]) AND created_at BETWEEN $2 AND $3
      AND status IN ('processed', 'ignored', 'failed', 'dead')
      AND type = ANY($4::text[]) AND livemode = $5 AND account IS NULL
    RETURNING id
), told AS (
    SELECT pg_notify('{CHANNEL}', '') FROM replayed LIMIT 1
)
SELECT id FROM replayed WHERE (SELECT count(*) FROM told) >= 0
"""  # noqa: S608 -- only a constant of that module is interpolated


_IGNORED = """
SELECT id FROM webhook_events
WHERE received_at >= $1 AND received_at < $2
  AND status = 'ignored' AND (attempts = 0 OR last_error = $3)
  AND type = ANY($4::text[]) AND livemode = $5 AND account IS NULL
"""

_IGNORED_SINCE = """
SELECT coalesce(
    (SELECT complete_until FROM coverage WHERE name = $1),
    (SELECT min(received_at) FROM webhook_events)
)
"""

_NOTE_IGNORED = """
INSERT INTO coverage (name, complete_until, repaired) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET
    complete_until = EXCLUDED.complete_until, repaired = coverage.repaired + EXCLUDED.repaired, updated_at = now()
"""

_MADE = "SELECT created_at FROM webhook_events WHERE id = $1"
_DOCUMENT = EVENT.document("id = $1 AND created_at = $2")


async def matching(connection: Connection, wanted: Wanted, handled: Collection[str], *, livemode: bool) -> list[str]:
    """The events that can be replayed and are `wanted`, in the order they were received."""
    rows = await connection.fetch(
        _MATCHING,
        wanted.id,
        wanted.type,
        wanted.status,
        wanted.object_id,
        wanted.since,
        wanted.until,
        list(handled),
        livemode,
    )
    return [row[0] for row in rows]


async def requeue(
    connection: Connection, events: Collection[str], handled: Collection[str], *, livemode: bool
) -> dict[str, datetime]:
    """Have `events` processed again; answers those for which that makes sense, with when Stripe made each.

    Wakes the workers on commit.
    """
    rows = await connection.fetch(
        "SELECT id, created_at FROM webhook_events WHERE id = ANY($1::text[])", list(events)
    )  # first when they were made: changing rows is dear where it is not known in which partition they lie
    return await _requeue(connection, {row["id"]: row["created_at"] for row in rows}, handled, livemode=livemode)


async def requeue_one(connection: Connection, event: str, handled: Collection[str], *, livemode: bool) -> str | None:
    """Have `event` processed again where that makes sense; its document, or None where there is no such event.

    It is looked for by its id alone once, by a statement that PostgreSQL plans once: over sixty partitions that takes
    longer than to look into each. With an array in the place of the id it would plan anew each time.
    """
    made = await connection.fetchval(_MADE, event)
    if made is None:
        return None
    await _requeue(connection, {event: made}, handled, livemode=livemode)
    document: str | None = await connection.fetchval(_DOCUMENT, event, made)
    return document


async def _requeue(
    connection: Connection, made: Mapping[str, datetime], handled: Collection[str], *, livemode: bool
) -> dict[str, datetime]:
    if not made:
        return {}
    first, last = min(made.values()), max(made.values())
    found = await connection.fetch(_REQUEUE, list(made), first, last, list(handled), livemode)
    return {row[0]: made[row[0]] for row in found}


async def statuses(connection: Connection, events: Sequence[str]) -> dict[str, int]:
    """How many of `events` are in which status."""
    rows = await connection.fetch(
        "SELECT status, count(*) FROM webhook_events WHERE id = ANY($1::text[]) GROUP BY status", list(events)
    )
    return {row[0]: row[1] for row in rows}


async def unknown(connection: Connection, events: Mapping[str, datetime]) -> set[str]:
    """Which of `events`, by when Stripe made each, were never received."""
    rows = await connection.fetch(
        "SELECT id FROM webhook_events WHERE id = ANY($1::text[]) AND created_at BETWEEN $2 AND $3",
        list(events),
        min(events.values()),
        max(events.values()),
    )
    return events.keys() - {row[0] for row in rows}


async def ignored(
    connection: Connection, since: datetime, until: datetime, handled: Collection[str], *, livemode: bool
) -> list[str]:
    """The events of `handled` types received in that time that no release has looked at that knows their type."""
    rows = await connection.fetch(_IGNORED, since, until, UNKNOWN_TYPE, list(handled), livemode)
    return [row[0] for row in rows]


async def ignored_since(connection: Connection, place: str) -> datetime | None:
    """From where on the inbox is to be searched; None where it is empty."""
    found: datetime | None = await connection.fetchval(_IGNORED_SINCE, place)
    return found


async def note_ignored(connection: Connection, place: str, until: datetime, queued: int) -> None:
    """Record up to when the inbox was searched, and how many events that queued."""
    await connection.execute(_NOTE_IGNORED, place, until, queued)
