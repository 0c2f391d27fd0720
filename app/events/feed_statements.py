"""Owns the reading of the feed: the changes in an order that never gets a new entry behind a reader's back.

Each change carries the number of the transaction that wrote it (its position: a base plus PostgreSQL's transaction id).
A reader is shown only what was written by transactions below the oldest one still running: whatever is to come is
ordered behind that. Nothing is locked and no sequence is shared: a slow transaction makes readers wait, not miss.

Transaction ids start over in a new cluster. The base is raised then, with a gap, so that positions only grow. After a
failover they go on below what readers have seen: each of PostgreSQL's timelines has a gap of its own (BASE).
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import cast

from app.db.engine import Connection
from app.domain.events import START, Cursor, FeedEvent
from app.events.change_statements import BASE, TIMELINE

EXAMINED = 5000
"""How many events one statement looks at, at most, where few of them may be wanted."""

GAP = 2**32
"""How far positions jump when they begin anew: more transactions than can be lost between a backup and its restore."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: of these types, of this invoice, of this customer; None is all."""

    types: frozenset[str] | None = None
    invoice: str | None = None
    customer: str | None = None

    def includes(self, event: FeedEvent) -> bool:
        """Whether `event` is one of them."""
        return (
            (self.types is None or event.type in self.types)
            and (self.invoice is None or event.invoice == self.invoice)
            and (self.customer is None or event.customer == self.customer)
        )


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Read:
    """Some events in their order, and how far there is nothing else: `upto` is where to go on.

    end: how far the feed could be read. more: there is more to read at once. held: something is written already, behind a transaction that still runs.
    """

    events: list[FeedEvent]
    upto: Cursor
    end: Cursor
    gone: Cursor
    more: bool
    held: bool


_END = f"{BASE} + pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
"""The first position that is not settled. The statement's own snapshot says so: what it sees and this cannot differ."""


@cache
def _statement(*, types: bool, invoice: bool, customer: bool) -> str:
    """Arguments: position, id, limit, types, invoice, customer. Always answers a row, for where the reading ended."""
    conditions = ["(change.position, change.id) > ($1, $2)", "(change.position, change.id) <= (upto.position, upto.id)"]
    conditions += ["change.type = ANY($4::text[])"] if types else []
    conditions += ["change.invoice = $5"] if invoice else []
    conditions += ["change.invoice IN (SELECT id FROM invoices WHERE customer = $6)"] if customer else []
    # A reader of a rare type goes through the others in steps; an invoice's or a customer's have an index.
    window = (
        f"""
        SELECT position, id FROM changes
        WHERE (position, id) > ($1, $2) AND position < settled.below ORDER BY position, id OFFSET {EXAMINED - 1} LIMIT 1
        """  # noqa: S608 -- only constants of this module are interpolated
        if types and not invoice and not customer
        else "SELECT 0::bigint AS position, 0::bigint AS id WHERE false"
    )
    return f"""
    WITH settled AS MATERIALIZED (SELECT {_END} AS below, gone_position, gone_change FROM feed),
    upto AS (
        SELECT coalesce(step.position, settled.below - 1) AS position,
            coalesce(step.id, 9223372036854775807) AS id, step.id IS NOT NULL AS partly, settled.*
        FROM settled LEFT JOIN LATERAL ({window}) step ON true
    )
    SELECT upto.position AS upto_position, upto.id AS upto_id, upto.partly, upto.below, upto.gone_position,
        upto.gone_change,
        coalesce((SELECT max(position) FROM changes) >= upto.below, false) AS held,
        found.*
    FROM upto LEFT JOIN LATERAL (
        SELECT change.position, change.id, change.event, change.type, change.schema_version, change.at,
            change.invoice, change.customer, change.data
        FROM changes change WHERE {" AND ".join(conditions)}
        ORDER BY change.position, change.id LIMIT $3
    ) found ON true
    WHERE $4::text[] IS NOT NULL AND $5::text IS NOT NULL AND $6::text IS NOT NULL
    ORDER BY found.position, found.id
    """  # noqa: S608 -- only constants of this module are interpolated


HELD_S = f"""
SELECT coalesce(extract(epoch FROM now() - (
    SELECT at FROM changes WHERE position >= {_END} ORDER BY position, id LIMIT 1
)), 0)::float8
"""  # noqa: S608 -- only constants of this module are interpolated
"""For how many seconds the first event that readers may not see has been there; 0 where there is none."""


async def read(connection: Connection, after: Cursor, wanted: Wanted = EVERYTHING, *, limit: int) -> Read:
    """The first `limit` events after `after` that are `wanted`."""
    statement = _statement(
        types=wanted.types is not None, invoice=wanted.invoice is not None, customer=wanted.customer is not None
    )
    rows = await connection.fetch(
        statement,
        after.position,
        after.id,
        limit + 1,
        sorted(wanted.types or ()),
        wanted.invoice or "",
        wanted.customer or "",
    )
    first = rows[0]
    events = [
        FeedEvent(
            Cursor(row["position"], row["id"]),
            row["event"],
            row["type"],
            row["schema_version"],
            row["at"],
            row["invoice"],
            row["customer"],
            row["data"],
        )
        for row in rows
        if row["id"] is not None
    ]
    end, gone = Cursor.before(first["below"]), Cursor(first["gone_position"], first["gone_change"])
    if len(events) > limit:
        return Read(events[:limit], events[limit - 1].cursor, end, gone, more=True, held=first["held"])
    # Where nothing is settled beyond `after` yet, the reader stays where it is.
    upto = max(after, Cursor(first["upto_position"], first["upto_id"]))
    return Read(events, upto, end, gone, more=first["partly"], held=first["held"])


async def last_position(connection: Connection) -> Cursor:
    """The end of the feed as it is now: a reader that starts here is told of what comes from now on."""
    return Cursor.before(await connection.fetchval(f"SELECT {_END}"))


async def gone(connection: Connection) -> Cursor:
    """Up to where nothing is kept any more."""
    row = await connection.fetchrow("SELECT gone_position, gone_change FROM feed")
    return Cursor(*row) if row else START


async def hold_gone(connection: Connection) -> Cursor:
    """Up to where nothing is kept any more; it stays so until the transaction ends."""
    row = await connection.fetchrow("SELECT gone_position, gone_change FROM feed FOR SHARE")
    return Cursor(*row) if row else START


HOLD = "SELECT FROM feed FOR NO KEY UPDATE"
"""Locks the feed's row against others that delete from it, raise its base, or rely on what it keeps."""

_FORGET = f"""
WITH first AS MATERIALIZED (
    SELECT position, id, at FROM changes WHERE position < {_END} ORDER BY position, id LIMIT $2
), needed AS (
    SELECT position, id FROM first WHERE at >= now() - $1::interval
    UNION ALL
    (SELECT delivery.position, delivery.change
        FROM deliveries delivery JOIN webhook_endpoints endpoint ON endpoint.id = delivery.endpoint
        WHERE delivery.status IN ('pending', 'delivering', 'failed') AND delivery.change IS NOT NULL
          AND endpoint.status = 'enabled' AND endpoint.deleted_at IS NULL
        ORDER BY delivery.position, delivery.change LIMIT 1)
), old AS MATERIALIZED (
    SELECT position, id FROM first WHERE (position, id) < ALL (SELECT position, id FROM needed)
      AND (position, id) <= ALL (
          SELECT position, change FROM webhook_endpoints WHERE status = 'enabled' AND deleted_at IS NULL
      )
), forgotten AS (
    DELETE FROM changes WHERE id IN (SELECT id FROM old)
), noted AS (
    UPDATE feed SET (gone_position, gone_change) = (
        SELECT position, id FROM old ORDER BY position DESC, id DESC LIMIT 1
    ) WHERE EXISTS (SELECT FROM old)
)
SELECT count(*) FROM old
"""  # noqa: S608 -- only constants of this module are interpolated


async def forget(connection: Connection, retention: timedelta, limit: int) -> int:
    """Delete up to `limit` of the oldest events that are older than `retention`; how many it were.

    It ends before the first that is younger, and before one that an enabled endpoint has still to be sent.
    """
    async with connection.transaction():
        await connection.execute(HOLD)  # before the statement's snapshot: whoever enables an endpoint is waited for
        return cast("int", await connection.fetchval(_FORGET, retention, limit))


_STALE = f"""
SELECT coalesce((SELECT max(position) FROM changes), 0)
    >= {BASE} + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""  # noqa: S608 -- only constants are interpolated
"""Whether something is stored that this cluster's transactions, the next one being xmax, cannot have written."""


async def rebase(connection: Connection, *, restored: bool = False) -> bool:
    """See to it that whatever is written from now on comes after everything stored; whether the base had to be raised.

    It has to after a restore into a cluster whose transaction ids are lower. Where they are higher, nothing here shows
    how far readers got before the loss: say that the database was `restored`. Call it outside of a transaction.
    """
    if not restored and not await connection.fetchval(_STALE):
        return False
    async with connection.transaction():
        await connection.execute(HOLD)  # first, as whoever deletes does
        # Nobody may be writing under the old base while it changes; readers go on.
        await connection.execute("LOCK TABLE changes IN EXCLUSIVE MODE")
        if not restored and not await connection.fetchval(_STALE):
            return False
        await connection.execute(
            f"""
            UPDATE feed SET timeline = {TIMELINE}, base = coalesce((SELECT max(position) FROM changes), 0) + $1
                - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            """,  # noqa: S608 -- only a constant is interpolated
            GAP,
        )
    return True
