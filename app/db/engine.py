"""Connections to PostgreSQL, transactions, and the errors of a database that is not available.

Every error that means "not now" leaves here as DatabaseUnavailable. No SQL of the domain lives here.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from app.domain.errors import DatabaseContention, DatabaseUnavailable
from app.observability import metrics

log = structlog.get_logger(__name__)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

NOT_NOW = (
    OSError,
    TimeoutError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What asyncpg raises when the server is away, starting, stopping, failing over or full.

TransactionRollbackError is a deadlock, and whatever else breaks one transaction off for another. The last is what a
statement meets between the server's goodbye and the end of its connection.
"""

SESSION = {
    "application_name": "invoicing",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "60s",
}
"""What every connection is set to. What is acknowledged is on disk, whatever the server's default may be.

A transaction that is left open holds the feed back (see feed.py): none of ours may for longer than this.
"""

ONE_PLAN = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""For connections whose statements are few and always the same: each is planned once, whatever its arguments.

Such a plan is by index, also into a partition that was still empty when it was made: it outlives that.
"""

POOLED = {name: SESSION[name] for name in ("application_name", "timezone")}
"""What a pooler between us and the server passes on."""

RETRY_AFTER_S = 1
ACQUIRE_WITHIN_S = 10.0
CONNECT_WITHIN_S = 5.0


def asyncpg_dsn(url: str) -> str:
    """`url` as asyncpg takes it: SQLAlchemy's driver suffix is allowed in settings and dropped here."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


@asynccontextmanager
async def translated_errors() -> AsyncIterator[None]:
    """Turn what asyncpg raises when the database is not available into DatabaseUnavailable."""
    try:
        yield
    except NOT_NOW as error:
        raise _unavailable(error) from error


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    metrics.DATABASE_ERRORS(type(error).__name__).inc()
    log.warning("database_unavailable", error=type(error).__name__)
    if isinstance(error, asyncpg.TransactionRollbackError):
        return DatabaseContention("The database was busy with a change beside this one: ask again.", retry_after=1)
    return DatabaseUnavailable(
        "The database cannot be reached right now. What was asked may have been recorded all the same: ask again, with "
        "the same Idempotency-Key.",
        retry_after=RETRY_AFTER_S,
    )


class _Borrowed:
    """A connection of the pool for as long as a block runs.

    A class, because a context manager made of a generator costs several times as much.
    """

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        asked = time.perf_counter()
        try:
            self._connection = await self._pool.acquire(timeout=ACQUIRE_WITHIN_S)
        except NOT_NOW as error:
            raise _unavailable(error) from error
        metrics.POOL_WAIT.observe(time.perf_counter() - asked)
        return self._connection

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            await self._pool.release(self._connection)
        except NOT_NOW as failure:
            raise _unavailable(failure) from failure
        if isinstance(error, NOT_NOW):
            raise _unavailable(error) from error


async def _reset(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Give a connection back: we set no session state, so there is something to undo only in a broken transaction."""
    if connection.is_in_transaction():
        await connection.reset()


async def _require_durable(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Refuse a server behind a pooler that acknowledges what is not on disk: we cannot set it for the session there."""
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        log.error("synchronous_commit_is_off", fix="ALTER ROLE … SET synchronous_commit = on")
        raise DatabaseUnavailable("The database would lose what it acknowledges.", retry_after=RETRY_AFTER_S)


@dataclass(frozen=True, slots=True)
class PoolState:
    """Connections of the pool: how many work, how many rest, and how many there may be."""

    in_use: int
    idle: int
    most: int


class Database:
    """A pool of connections that opens lazily and comes back by itself after the server did.

    With a `direct_url`, `url` leads to a pooler that gives a server's connection for one transaction at a time:
    nothing is prepared there, and whoever needs a session of his own gets it from `dedicated`.
    """

    def __init__(
        self,
        url: str,
        *,
        direct_url: str = "",
        pool_size: int = 10,
        command_timeout_s: float = 15.0,
        session: Mapping[str, str] | None = None,
    ) -> None:
        self._url = asyncpg_dsn(url)
        self._direct_url = asyncpg_dsn(direct_url or url)
        self._pooled = bool(direct_url)
        self._pool_size = pool_size
        self._command_timeout_s = command_timeout_s
        self._session = SESSION | dict(session or {})
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Make the pool; connects to nothing yet, so that the service starts while the database is away."""
        through: dict[str, Any] = {"server_settings": self._session}
        if self._pooled:
            through = {"server_settings": POOLED, "statement_cache_size": 0, "init": _require_durable}
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._pool_size,
            timeout=CONNECT_WITHIN_S,
            command_timeout=self._command_timeout_s,
            reset=_reset,
            **through,
        )

    async def close(self) -> None:
        """Give running statements a moment to end, then close every connection."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), timeout=5)
        except TimeoutError:
            self._pool.terminate()
        self._pool = None

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection on which every statement commits by itself."""
        if self._pool is None:
            raise DatabaseUnavailable("The database pool is closed.", retry_after=RETRY_AFTER_S)
        return _Borrowed(self._pool)

    @property
    def pool_state(self) -> PoolState:
        """The connections of the pool now."""
        size, idle = (self._pool.get_size(), self._pool.get_idle_size()) if self._pool else (0, 0)
        return PoolState(size - idle, idle, self._pool_size)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Connection]:
        """A transaction: commits at the end of the block, rolls back when it raises. Never call Stripe inside."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def dedicated(self, **settings: str) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection to the server itself, for a listener, a lock or a writer that keeps it; the caller closes it.

        `settings` are the server's for this connection.
        """
        async with translated_errors():
            return await asyncpg.connect(
                self._direct_url,
                timeout=CONNECT_WITHIN_S,
                command_timeout=self._command_timeout_s,
                server_settings=self._session | settings,
            )
