"""The state file: one SQLite database with everything the sandbox remembers.

Documents are opaque JSON here. Write-ahead logging with `synchronous=NORMAL` means that a commit survives the death of
the process.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL UNIQUE, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, json_extract(doc, '$.customer'), seq)
    WHERE json_extract(doc, '$.customer') IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_invoice ON objects (kind, json_extract(doc, '$.invoice'), seq)
    WHERE json_extract(doc, '$.invoice') IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_by_link ON objects (kind, json_extract(doc, '$._link'), seq)
    WHERE json_extract(doc, '$._link') IS NOT NULL;
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
    created INTEGER NOT NULL, pending INTEGER NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_type ON events (type, seq);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL, due_at REAL NOT NULL,
    copies INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_at);
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS idempotency (
    scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, request TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, created INTEGER NOT NULL,
    PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due_at REAL NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    UNIQUE (kind, subject));
CREATE INDEX IF NOT EXISTS timers_due ON timers (due_at);
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
TABLES = ("objects", "events", "deliveries", "attempts", "idempotency", "timers", "outbox")

VERSION = 1
"""The version of the tables and their documents. A file of another version is refused."""

Row = tuple[object, ...]


class StateFileError(Exception):
    """The state file cannot be used; the message says why and what to do."""


class Database:
    """A single connection, used from one thread; writes happen inside `writing()`."""

    def __init__(self, path: str) -> None:
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        except sqlite3.OperationalError as problem:
            raise StateFileError(f"{path} cannot be used: {problem}.") from problem
        try:
            self._prepare(path)
        except sqlite3.DatabaseError as problem:
            self._connection.close()
            locked = problem.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
            reason = "another sandbox uses it" if locked else f"{problem}. Delete it, or name another file"
            raise StateFileError(f"{path} cannot be used: {reason}.") from problem
        except StateFileError:
            self._connection.close()
            raise

    def _prepare(self, path: str) -> None:
        for setting in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536"):
            self.execute(f"PRAGMA {setting}")
        version = self.count("PRAGMA user_version")
        if version not in {0, VERSION}:
            raise StateFileError(f"{path} was made by another version of the sandbox ({version}); delete it.")
        self._connection.executescript(SCHEMA)
        self.execute(f"PRAGMA user_version={VERSION}")

    def execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def one(self, sql: str, values: tuple[object, ...] = ()) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, values: tuple[object, ...] = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def count(self, sql: str, values: tuple[object, ...] = ()) -> int:
        row = self.one(sql, values)
        return int(str(row[0])) if row else 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    @contextmanager
    def pretending(self) -> Iterator[None]:
        """Undo everything that the block does."""
        self.execute("SAVEPOINT pretence")
        try:
            yield
        finally:
            self.execute("ROLLBACK TO pretence")
            self.execute("RELEASE pretence")

    def meta(self, key: str, default: str) -> str:
        row = self.one("SELECT value FROM meta WHERE key = ?", (key,))
        return str(row[0]) if row else default

    def set_meta(self, key: str, value: str) -> None:
        self.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, value))

    def copy_from(self, other: "Database") -> None:
        """Become a copy of another database."""
        other._connection.backup(self._connection)  # noqa: SLF001 (of the same class)

    def empty(self) -> None:
        for table in TABLES:
            self.execute(f"DELETE FROM {table}")  # noqa: S608 (names from the constant above)

    def close(self) -> None:
        self._connection.close()


def seed_of(database: Database, wanted: int | None) -> str:
    """The seed of the ids: the caller's, or one drawn when the file was made."""
    if wanted is not None:
        return str(wanted)
    seed = database.meta("seed", "")
    if not seed:
        seed = secrets.token_hex(16)
        database.set_meta("seed", seed)
    return seed
