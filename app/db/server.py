"""Asks the database server about itself: version, settings, open transactions, backlog."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from app.db.engine import Connection
from app.domain.dispute import TO_ANSWER

_SERVER = """
SELECT
    current_setting('server_version_num')::int AS version,
    current_setting('server_version') AS version_name,
    current_setting('server_encoding') AS encoding,
    current_setting('TimeZone') AS timezone,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('fsync') = 'on' AS fsync,
    current_setting('full_page_writes') = 'on' AS full_page_writes,
    pg_is_in_recovery() AS replica,
    current_setting('transaction_read_only') = 'on' AS read_only,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections,
    (SELECT sum(numbackends)::int FROM pg_stat_database) AS connected,
    (SELECT max(age(datfrozenxid)) FROM pg_database)::bigint AS transactions_behind,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
    (SELECT count(*)::int FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND pg_has_role(relowner, 'USAGE')) AS owned,
    clock_timestamp() AS clock
"""

_LONGEST = """
SELECT format('%s of %s (pid %s, %s)', coalesce(nullif(application_name, ''), 'somebody'), usename, pid, coalesce(state, 'hidden'))
        AS whose,
    coalesce(extract(epoch FROM now() - xact_start)::float8, $1) AS open_s
FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY age(backend_xid) DESC LIMIT 1
"""
"""What the feed waits for. PostgreSQL hides from a role since when the transactions of others are open."""

_PREPARED = """
SELECT format('the prepared transaction %L', gid) AS whose, extract(epoch FROM now() - prepared)::float8 AS open_s
FROM pg_prepared_xacts ORDER BY prepared LIMIT 1
"""

_BACKLOG = """
SELECT
    (SELECT count(*) FROM (SELECT FROM webhook_events WHERE status = 'dead' LIMIT 1000) _) AS dead_events,
    (SELECT count(*) FROM (SELECT FROM fulfillment_actions WHERE status = 'dead' LIMIT 1000) _) AS dead_actions,
    (SELECT count(*) FROM webhook_endpoints WHERE status = 'disabled' AND deleted_at IS NULL) AS disabled_endpoints,
    (SELECT count(*) FROM operations WHERE answered_at IS NULL AND created_at < now() - interval '10 minutes')
        AS stuck_operations,
    (SELECT count(*) FROM disputes WHERE status = ANY ($1::text[]) AND deleted_at IS NULL) AS disputes_to_answer,
    (SELECT max(received_at) FROM webhook_events) AS last_event_at
"""

_DELIVERED_VERSION = """
SELECT api_version FROM webhook_events WHERE source = 'delivery' ORDER BY received_at DESC LIMIT 1
"""

_DELIVERED = """
SELECT id FROM webhook_events
WHERE id = ANY ($1::text[]) AND source = 'delivery' AND received_at > now() - interval '2 days'
"""


@dataclass(frozen=True, slots=True)
class Server:
    """The server's own facts.

    `connections` is how many it accepts, `transactions_behind` the distance towards wraparound, and `owned` the number
    of tables that this role could change or drop.
    """

    version: int
    version_name: str
    encoding: str
    timezone: str
    synchronous_commit: str
    fsync: bool
    full_page_writes: bool
    replica: bool
    read_only: bool
    connections: int
    connected: int
    transactions_behind: int
    superuser: bool
    owned: int
    clock: datetime


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that has been open for `open_s` seconds, and whose it is."""

    whose: str
    open_s: float


async def server(connection: Connection) -> Server:
    """The server's facts and its settings for this connection."""
    [row] = await connection.fetch(_SERVER)
    return Server(**row)


async def open_transactions(connection: Connection, held_s: float) -> list[OpenTransaction]:
    """The oldest transaction of others that writes, and the oldest prepared one.

    `held_s`: how long the feed has been held back. It stands for the age of a transaction whose age this role may not see.
    """
    found = [*await connection.fetch(_LONGEST, held_s), *await connection.fetch(_PREPARED)]
    return [OpenTransaction(**row) for row in found]


async def delivered_version(connection: Connection) -> str | None:
    """The API version of Stripe's last delivery; None if there is none yet, or no schema."""
    try:
        found: str | None = await connection.fetchval(_DELIVERED_VERSION)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        return None
    return found


async def delivered(connection: Connection, events: Sequence[str]) -> set[str]:
    """Those of `events` of the last day that Stripe delivered here; none where there is no schema."""
    try:
        return {row["id"] for row in await connection.fetch(_DELIVERED, events)}
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        return set()


async def backlog(connection: Connection) -> dict[str, Any]:
    """How much waits for a person, by what it is, and when the last event came."""
    [row] = await connection.fetch(_BACKLOG, sorted(TO_ANSWER))
    return dict(row)
