"""Checks the database: reachable, safe, at this build's schema, with enough connections."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from app.cli.checks.clock import skewed
from app.cli.checks.findings import Finding, Level, fail, ok, warn
from app.cli.errors import away, wrong_database
from app.container import Container
from app.db import migrations, server
from app.db.engine import Connection
from app.db.server import Server
from app.domain.errors import DatabaseUnavailable
from app.events import feed_statements
from app.settings import Settings

OLDEST = 140000
BEYOND_POOL = 4
"""A process's connections besides its pool: listeners, the inbox's writer, advisory locks."""
OLD_TRANSACTIONS = 500_000_000
VERY_OLD_TRANSACTIONS = 1_500_000_000
"""PostgreSQL stops accepting writes at about two thousand million."""
LONG_OPEN_S = 60.0
CROWDED = 0.8
SEPARATE = "Run as the roles of docs/operations.md, which own nothing."


async def check(container: Container) -> AsyncIterator[Finding]:
    try:
        async with container.database.connection() as connection:
            asked = datetime.now(UTC)
            found = await server.server(connection)
            answered = datetime.now(UTC)
            schema = await _migrations(connection)
            held_s = 0.0 if schema.level is Level.FAIL else await feed_statements.held_s(connection)
            findings = [
                ok("database", f"PostgreSQL {found.version_name}"),
                *_safety(found, production=container.settings.environment == "production"),
                _room(found, container.settings),
                *await _transactions(connection, found, held_s),
                schema,
                skewed("database clock", found.clock - asked - (answered - asked) / 2, "the database's", precise=True),
            ]
    except DatabaseUnavailable as error:
        if says := wrong_database(error):
            yield fail("database", *says.rsplit(": ", 1))
        else:
            advice = "Is it up, is DATABASE_URL right, may this machine connect to it?"
            yield fail("database", away(error) or error.detail, advice)
        return
    for finding in findings:
        yield finding


def _safety(found: Server, *, production: bool) -> Iterator[Finding]:
    """Check that what is acknowledged is durable, and that no role has too many rights."""
    if found.version < OLDEST:
        yield fail("database", f"PostgreSQL {found.version_name} is too old", "Upgrade to 14 or newer.")
    if found.replica:
        yield fail("database", "this is a standby: it takes no writes", "Point DATABASE_URL at the primary.")
    elif found.read_only:
        advice = "Is its disk full? Else: ALTER ROLE or ALTER DATABASE … RESET default_transaction_read_only."
        yield fail("database", "it takes no writes: transactions are read-only", advice)
    if found.encoding != "UTF8":
        yield fail("database", f"its encoding is {found.encoding}", "Create the database with ENCODING 'UTF8'.")
    if found.timezone != "UTC":
        says = f"a session's time zone is {found.timezone}: a pooler drops what we set"
        yield warn("database", says, "ALTER ROLE … SET timezone = 'UTC'.")
    if found.synchronous_commit == "off":
        says = "synchronous_commit is off: events that Stripe was told are stored can be lost"
        yield fail("database", says, "ALTER ROLE … SET synchronous_commit = 'on'.")
    if not (found.fsync and found.full_page_writes):
        says = "fsync or full_page_writes is off: a crash of the machine can destroy the database"
        advice = "Turn both on in postgresql.conf; they are off in nothing but tests."
        yield (fail if production else warn)("database", says, advice)
    if found.superuser and production:
        says = "the service's role is a superuser"
        yield warn("database", says, SEPARATE)
    elif found.owned and production:
        says = (
            f"the service's role owns {found.owned} tables: it can drop them, and the triggers that guard the audit log"
        )
        yield warn("database", says, SEPARATE)


def _room(found: Server, settings: Settings) -> Finding:
    """Check that there are enough connections for one process of each kind."""
    wanted = (settings.workers + 1) * (settings.database_pool_size + BEYOND_POOL)
    says = f"{found.connected} of {found.connections} connections in use; these settings may open {wanted} for an API and a worker"
    if settings.database_pooler == "none" and wanted > found.connections:
        advice = (
            "Lower DATABASE_POOL_SIZE or WORKERS, raise max_connections, or put PgBouncer between (docs/operations.md)."
        )
        return fail("connections", says, advice)
    if found.connected > CROWDED * found.connections:
        return warn("connections", says, "See pg_stat_activity for whose they are; mind how many processes you run.")
    return ok("connections", says)


async def _transactions(connection: Connection, found: Server, held_s: float) -> list[Finding]:
    """Check for exhausted transaction ids, and for transactions that hold others up: the feed has waited for `held_s`."""
    findings = []
    behind = f"the oldest row is {found.transactions_behind:,} transactions old"
    if found.transactions_behind > OLD_TRANSACTIONS:
        kind = fail if found.transactions_behind > VERY_OLD_TRANSACTIONS else warn
        findings.append(
            kind("transactions", behind, "VACUUM (FREEZE) before PostgreSQL refuses to write; see what blocks it.")
        )
    long = [one for one in await server.open_transactions(connection, held_s) if one.open_s > LONG_OPEN_S]
    for one in long:
        says = f"{one.whose} has a transaction open for {one.open_s:,.0f} s: the event feed waits for it, and nothing is cleaned up"
        findings.append(
            warn("transactions", says, "End it: pg_terminate_backend, COMMIT PREPARED or ROLLBACK PREPARED.")
        )
    return findings or [ok("transactions", f"{behind}; none is open for long")]


async def _migrations(connection: Connection) -> Finding:
    applied = await migrations.revision(connection)
    if applied is None:
        return fail("migrations", "the database has no tables", "invoicing migrate")
    if applied == migrations.head():
        return ok("migrations", f"at head ({applied})")
    if migrations.serves(applied):
        says = f"at {applied}, which this build does not know: it is older than the schema"
        return warn("migrations", says, "Fine while a release is rolled out; otherwise run the newer build.")
    return fail("migrations", f"at {applied}, this build needs {migrations.head()}", "invoicing migrate")
