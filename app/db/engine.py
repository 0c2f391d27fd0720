"""Connections and transactions. Every error that means "not now" is raised as DatabaseUnavailable."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from app.domain.errors import DatabaseContention, DatabaseUnavailable
from app.observability import metrics

log = structlog.get_logger(__name__)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

BUSY = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError, asyncpg.OutOfMemoryError)
"""What a transaction meets because of others: a deadlock, the role's `lock_timeout`, no room in the table of locks."""

NOT_NOW = (
    *BUSY,
    OSError,
    TimeoutError,
    ssl.SSLError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionTimeoutError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What asyncpg raises when the server is away, starting, stopping, failing over or full, or does not let us in.

InternalClientError is what a statement meets while the server closes its connection.
"""

NOT_LET_IN = (*NOT_NOW, asyncpg.UndefinedObjectError)
"""What it raises where a connection is made; the last, where the address holds a parameter that the server does not know."""

SESSION = {
    "application_name": "invoicing",
    "timezone": "UTC",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""The settings of each connection. An acknowledged commit is on disk, whatever the server's default is.

An open transaction holds the feed back (see events/feed_statements.py), so none may stay idle for longer than this. The
server asks after a silent client, so that the locks of a machine that is lost are free within a minute, not two hours.
"""

ONE_PLAN = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""Settings for connections that run few statements again and again: each statement is planned once.

The plan must use an index even where a partition is empty when it is made, because the plan outlives that.
"""

POOLED = {name: SESSION[name] for name in ("application_name", "timezone")}
"""The settings that a pooler passes on to the server."""

AWAY = (
    "The database cannot be reached right now. What was asked may have been recorded all the same: ask again, with "
    "the same Idempotency-Key."
)
RETRY_AFTER_S = 1
ACQUIRE_WITHIN_S = 10.0
CONNECT_WITHIN_S = 5.0
CLOSE_WITHIN_S = 2.0


def asyncpg_dsn(url: str) -> str:
    """`url` as asyncpg takes it, without SQLAlchemy's driver suffix."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


@asynccontextmanager
async def translated_errors() -> AsyncIterator[None]:
    """Raise DatabaseUnavailable for asyncpg's errors that mean that the database is not available."""
    try:
        yield
    except NOT_NOW as error:
        raise _unavailable(error) from error


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    metrics.DATABASE_ERRORS(type(error).__name__).inc()
    log.warning("database_unavailable", error=type(error).__name__)
    if isinstance(error, BUSY):
        return DatabaseContention("The database was busy with a change beside this one: ask again.", retry_after=1)
    return DatabaseUnavailable(AWAY, retry_after=RETRY_AFTER_S)


async def close(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Close a connection within CLOSE_WITHIN_S, whether or not the server still answers. Raises nothing."""
    with suppress(*NOT_NOW):
        await connection.close(timeout=CLOSE_WITHIN_S)


async def require_answer(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Raise one of NOT_NOW unless the server answers in time."""
    await connection.execute("SELECT 1")


class _Borrowed:
    """A connection from the pool while a block runs. A generator would cost several times as much."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        asked = time.perf_counter()
        try:
            self._connection = await self._pool.acquire(timeout=ACQUIRE_WITHIN_S)
        except NOT_LET_IN as error:
            raise _unavailable(error) from error
        finally:
            metrics.POOL_WAIT.observe(time.perf_counter() - asked)
        return self._connection

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            self._connection.terminate()  # the server is no primary any more; a new connection leads to the one that is
        try:
            await self._pool.release(self._connection)
        except NOT_NOW as failure:
            raise _unavailable(failure) from failure
        if isinstance(error, NOT_NOW):
            raise _unavailable(error) from error


async def _reset(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Return a connection to the pool. We set no session state, so only a broken transaction needs a reset."""
    if connection.is_in_transaction():
        await connection.reset()


async def _require_durable(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Raise DatabaseUnavailable if a server behind a pooler acknowledges commits that are not on disk."""
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        log.error("synchronous_commit_is_off", fix="ALTER ROLE … SET synchronous_commit = on")
        raise DatabaseUnavailable("The database would lose what it acknowledges.", retry_after=RETRY_AFTER_S)


@dataclass(frozen=True, slots=True)
class PoolState:
    """The pool's connections: in use, idle, and the maximum."""

    in_use: int
    idle: int
    most: int


class Database:
    """A pool of connections. It opens lazily and recovers by itself when the server returns.

    With a `direct_url`, `url` leads to a pooler in transaction mode. Then no statement is prepared, and `dedicated`
    connects to the server itself for whatever needs a session.
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
        self._sparing = asyncio.Lock()

    async def open(self) -> None:
        """Make the pool. It does not connect yet, so the service can start while the database is away."""
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
        """Wait up to five seconds for running statements, then close all connections."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), timeout=5)
        except TimeoutError:
            self._pool.terminate()
        self._pool = None

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection on which each statement commits by itself."""
        if self._pool is None:
            raise DatabaseUnavailable("The database pool is closed.", retry_after=RETRY_AFTER_S)
        return _Borrowed(self._pool)

    @asynccontextmanager
    async def spare(self) -> AsyncIterator[Connection]:
        """A connection for a probe. While all of the pool are in use, one is made for it; one at a time."""
        full = self.pool_state.in_use == self._pool_size
        async with (
            translated_errors(),
            self._sparing if full else nullcontext(),
            self.session() if full else self.connection() as found,
        ):
            yield found

    @property
    def pool_state(self) -> PoolState:
        size, idle = (self._pool.get_size(), self._pool.get_idle_size()) if self._pool else (0, 0)
        return PoolState(size - idle, idle, self._pool_size)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Connection]:
        """A transaction: commits at the end of the block, rolls back on an exception. Never call Stripe inside."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def dedicated(self, **settings: str) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection to the server itself, e.g. for a listener. The caller closes it. `settings` are the server's."""
        try:
            return await asyncpg.connect(
                self._direct_url,
                timeout=CONNECT_WITHIN_S,
                command_timeout=self._command_timeout_s,
                server_settings=self._session | settings,
            )
        except NOT_LET_IN as error:
            raise _unavailable(error) from error

    @asynccontextmanager
    async def session(self, **settings: str) -> AsyncIterator[Connection]:
        """A `dedicated` connection for as long as the block runs."""
        connection = await self.dedicated(**settings)
        try:
            yield connection
        finally:
            await close(connection)
