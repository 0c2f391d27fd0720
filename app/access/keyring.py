"""Authenticates API keys, for most requests without a database query.

A key that was found is remembered for up to REMEMBERED_S. Revoking or rotating a key notifies every process in the same
transaction, and each forgets all keys. While the listener is not connected, nothing is remembered. REMEMBERED_S bounds
the case that a process cannot notice: a network that drops packets without closing the connection. Long-lived
responses, such as streams, use `watching` to hear that a key of their caller, or their payment link, ended.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256

import asyncpg
import structlog

from app.access import key_statements
from app.db.engine import Database, close
from app.domain.access import Caller, CallerKind, Scope
from app.domain.errors import DatabaseUnavailable, Unauthenticated
from app.domain.keys import read_key

log = structlog.get_logger(__name__)

REMEMBERED_S = 5.0
LISTEN_AGAIN_S = 1.0
MOST_REMEMBERED = 10_000
_KNOWN: dict[str, Scope] = {scope.value: scope for scope in Scope}
"""The scopes this release knows. During a roll-out, scopes of a newer release grant nothing here."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    digest: bytes
    until: float


@dataclass(slots=True, eq=False)
class Watch:
    """Something open for a caller or by a link. `due`: a key or link ended, so its owner must check again."""

    wake: Callable[[], None]
    due: bool = False

    def ring(self) -> None:
        """Mark it due and wake its owner."""
        self.due = True
        self.wake()


class Keyring:
    def __init__(self, database: Database, *, livemode: bool) -> None:
        self._database = database
        self._livemode = livemode
        self._remembered: dict[bytes, _Remembered] = {}
        self._watched: dict[str, set[Watch]] = {}
        self._forgotten = 0
        self._listener: asyncpg.Connection[asyncpg.Record] | None = None
        self._listening = asyncio.Lock()
        self._listen_at = 0.0

    def remembered(self, given: str) -> Caller | None:
        """The caller of the key `given`, if it is remembered."""
        digest = sha256(given.encode()).digest()
        found = self._remembered.get(digest)
        if found and found.until > _now() and hmac.compare_digest(found.digest, digest):
            return found.caller
        return None

    async def caller_of(self, given: str) -> Caller:
        """The caller of the key `given`. Raises Unauthenticated."""
        read = read_key(given)
        if read is None:
            raise Unauthenticated("Authorization must be `Bearer` and an API key of this service.")
        if read.livemode != self._livemode:
            mode, other = ("live", "test") if self._livemode else ("test", "live")
            raise Unauthenticated(f"This is a {other} key, and this deployment is for {mode} keys only.")
        return await self._look_up(read.prefix, read.digest)

    @asynccontextmanager
    async def watching(self, who: str, wake: Callable[[], None]) -> AsyncIterator[Watch]:
        """Call `wake` when a key of the caller `who`, or a link to the invoice `who`, ends, while the block runs.

        It does not tell of a key that ended before the block began, so check the credentials once more in the block.
        """
        await self._listen()
        watch = Watch(wake)
        watches = self._watched.setdefault(who, set())
        watches.add(watch)
        try:
            yield watch
        finally:
            watches.discard(watch)
            if not watches:
                self._watched.pop(who, None)

    async def close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            await close(listener)

    async def _look_up(self, prefix: str, digest: bytes) -> Caller:
        listening = await self._listen()
        forgotten = self._forgotten
        async with self._database.connection() as connection:
            stored = await key_statements.find(connection, prefix, digest)
        if stored is None or not hmac.compare_digest(stored.digest, digest):
            raise Unauthenticated("The API key is not known, has expired, or was revoked.")
        caller = Caller(stored.caller, CallerKind.SERVICE, frozenset(filter(None, map(_KNOWN.get, stored.scopes))))
        if listening and forgotten == self._forgotten:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            for_s = REMEMBERED_S if stored.expires_in_s is None else min(REMEMBERED_S, stored.expires_in_s)
            self._remembered[digest] = _Remembered(caller, digest, _now() + for_s)
        return caller

    async def _listen(self) -> bool:
        """Listen for keys that end. Returns False while that is not possible; nothing may be remembered then."""
        async with self._listening:
            if self._listener is not None and not self._listener.is_closed():
                return True
            if _now() < self._listen_at:
                return False
            self._listen_at = _now() + LISTEN_AGAIN_S
            self.forget()
            try:
                listener = await self._database.dedicated()
                try:
                    listener.add_termination_listener(self.forget)
                    await listener.add_listener(key_statements.CHANNEL, self._heard)
                except BaseException:
                    listener.terminate()
                    raise
            except (DatabaseUnavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("not_listening_for_revoked_keys", error=type(error).__name__)
                return False
            self._listener = listener
            return True

    def _heard(self, _listener: object, _pid: int, _channel: str, who: object) -> None:
        """Handle the notification that a key of the caller `who`, or a link to the invoice `who`, ended."""
        self.forget()
        for watch in tuple(self._watched.get(str(who), ())):
            watch.ring()

    def forget(self, *_: object) -> None:
        self._forgotten += 1
        self._remembered.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
