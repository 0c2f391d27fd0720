"""A transaction: the documents that one request reads and changes, and the events it causes.

A change, its events and their deliveries commit together or not at all. This module knows neither what a document means
nor when an event is due.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from offline_stripe.documents import Document, from_text, to_text
from offline_stripe.settings import DEFAULT_PUBLISHABLE_KEY, Switches
from offline_stripe.store.changes import previous_attributes
from offline_stripe.store.clock import Clock
from offline_stripe.store.database import Database
from offline_stripe.store.emission import Emission, Occurrence
from offline_stripe.store.identifiers import Identifiers
from offline_stripe.wire.errors import invalid_request, resource_missing

MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500


@dataclass(frozen=True, slots=True)
class Cause:
    """The API call that an event names as its reason; empty for what the clock does."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(slots=True)
class Store:
    """What every transaction shares."""

    database: Database
    clock: Clock
    identifiers: Identifiers
    emission: Emission
    switches: Switches
    base_url: str
    publishable_key: str = DEFAULT_PUBLISHABLE_KEY
    """What the hosted page confirms with."""
    account: Document = field(default_factory=dict)


class Transaction:
    """A unit of work. Documents are read once, changed in place, and written by `flush`."""

    def __init__(self, store: Store, cause: Cause) -> None:
        self.store = store
        self.cause = cause
        self.now = int(store.clock.now())
        self._loaded: dict[str, Document] = {}
        self._dirty: dict[str, Document] = {}
        self._endpoints: list[Document] | None = None
        self.emitted = 0

    @property
    def switches(self) -> Switches:
        return self.store.switches

    @property
    def changed(self) -> bool:
        return bool(self._dirty)

    def new_id(self, prefix: str) -> str:
        return self.store.identifiers.new(prefix)

    # Reading

    def find(self, identifier: str) -> Document | None:
        """The document with this id, of any kind."""
        loaded = self._loaded.get(identifier)
        if loaded is not None:
            return loaded
        row = self.store.database.one("SELECT doc FROM objects WHERE id = ?", (identifier,))
        if row is None:
            return None
        return self.remember(str(row[0]))

    def get(self, kind: str, identifier: str) -> Document | None:
        doc = self.find(identifier)
        return doc if doc is not None and doc["object"] == kind else None

    def need(self, kind: str, identifier: str, *, param: str, status: int = 400) -> Document:
        doc = self.get(kind, identifier)
        if doc is None:
            raise resource_missing(kind, identifier, param=param, status=status)
        return doc

    def where(self, kind: str, *, newest_first: bool = False, **equal: str) -> list[Document]:
        """Documents whose fields equal what is given; `customer`, `invoice` and `_link` are indexed."""
        self.flush()
        conditions = "".join(f" AND json_extract(doc, '$.{name}') = ?" for name in equal)
        order = "DESC" if newest_first else "ASC"
        rows = self.store.database.all(
            f"SELECT doc FROM objects WHERE kind = ?{conditions} ORDER BY seq {order}",  # noqa: S608
            (kind, *equal.values()),
        )
        return [self.remember(str(row[0])) for row in rows]

    def remember(self, text: str) -> Document:
        doc = from_text(text)
        return self._loaded.setdefault(doc["id"], doc)

    # Writing

    def add(self, doc: Document) -> Document:
        self._loaded[doc["id"]] = doc
        self._dirty[doc["id"]] = doc
        return doc

    def save(self, doc: Document) -> None:
        self._dirty[doc["id"]] = doc

    def remove(self, doc: Document) -> None:
        self._loaded.pop(doc["id"], None)
        self._dirty.pop(doc["id"], None)
        self.store.database.execute("DELETE FROM objects WHERE id = ?", (doc["id"],))

    def flush(self) -> None:
        for identifier, doc in self._dirty.items():
            self.store.database.execute(
                "INSERT INTO objects (kind, id, doc) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, doc = excluded.doc",
                (doc["object"], identifier, to_text(doc)),
            )
        self._dirty.clear()

    def forget(self) -> None:
        """Drop all documents read or changed, after a rollback."""
        self._loaded.clear()
        self._dirty.clear()
        self.emitted = 0

    @contextmanager
    def pretending(self) -> Iterator[None]:
        """Undo everything that the block does, including its events."""
        self.flush()
        with self.store.database.pretending():
            yield
        self.forget()

    def finish(self) -> None:
        """Last step before the commit."""
        self.flush()
        self.store.identifiers.persist()

    # Announcing

    def endpoints(self) -> list[Document]:
        """The webhook endpoints, as they were when the first event of this transaction was recorded."""
        if self._endpoints is None:
            self._endpoints = self.where("webhook_endpoint")
        return self._endpoints

    def emit(self, kind: str, snapshot: Document, previous: Document | None = None, *, caused: bool = True) -> None:
        """Record an event about an object as it is shown now, and whom it goes to.

        Without `caused` it does not name this call, as Stripe's do that come a moment later.
        """
        self.flush()
        by = self.cause if caused else Cause()
        cause = {"id": by.request_id, "idempotency_key": by.idempotency_key}
        happened = Occurrence(kind, snapshot, previous, cause)
        self.emitted += self.store.emission.record(self.new_id("evt"), self.now, happened, self.endpoints())

    def emit_update(self, kind: str, before: Document, after: Document) -> bool:
        """An `….updated` event with what changed; a change of nothing is no event."""
        previous = previous_attributes(before, after)
        if not previous:
            return False
        self.emit(kind, after, previous)
        return True

    # The clock's work

    def schedule(self, kind: str, subject: str, due_at: float) -> None:
        self.store.database.execute(
            "INSERT INTO timers (due_at, kind, subject) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at",
            (due_at, kind, subject),
        )

    def unschedule(self, kind: str, subject: str) -> None:
        self.store.database.execute("DELETE FROM timers WHERE kind = ? AND subject = ?", (kind, subject))

    def write_mail(self, mail: Document) -> None:
        self.store.database.execute("INSERT INTO outbox (doc) VALUES (?)", (to_text(mail),))


def merged_metadata(current: Mapping[str, str], sent: object) -> dict[str, str]:
    """Stripe's merge: an empty value deletes its key, an empty string deletes them all."""
    if not isinstance(sent, dict):
        return {}
    for key, value in sent.items():
        _check_metadata(key, str(value))
    merged = {key: str(value) for key, value in {**current, **sent}.items() if value != ""}
    if len(merged) > MOST_KEYS:
        raise invalid_request(f"You can only have up to {MOST_KEYS} metadata keys.", param="metadata")
    return merged


def _check_metadata(key: str, value: str) -> None:
    if len(key) > LONGEST_KEY:
        raise invalid_request(
            f"Metadata keys can have up to {LONGEST_KEY} characters, but you passed in a key that is {len(key)}"
            f" characters. Invalid key: {key}",
            param="metadata",
        )
    if "[" in key or "]" in key:
        raise invalid_request(f"Metadata keys cannot contain square brackets: {key}", param="metadata")
    if len(value) > LONGEST_VALUE:
        raise invalid_request(
            f"Metadata values can have up to {LONGEST_VALUE} characters, but you passed in a value that is {len(value)}"
            f" characters. Invalid value: {value}",
            param=f"metadata[{key}]",
        )
