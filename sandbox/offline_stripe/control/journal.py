"""The journal of all API calls received, for tests.

Secrets in it are redacted. It is in memory and keeps the newest 10,000.
"""

from collections import deque
from fnmatch import fnmatchcase

from offline_stripe.documents import Document, from_text

_SECRET = frozenset({"client_secret", "key", "number", "cvc", "account_number", "secret"})
MOST_ENTRIES = 10_000


class Journal:
    """Entries in the order the calls arrived; an entry is filled in as its call proceeds."""

    def __init__(self) -> None:
        self._entries: deque[Document] = deque(maxlen=MOST_ENTRIES)
        self._refused: deque[Document] = deque(maxlen=MOST_ENTRIES)

    def open(self, *, at: float, request_id: str, method: str, path: str, idempotency_key: str | None) -> Document:
        entry: Document = {
            "at": at,
            "request_id": request_id,
            "method": method,
            "path": path,
            "params": "{}",
            "idempotency_key": idempotency_key,
            "replayed": False,
            "executed": False,
            "status": None,
            "fault": None,
        }
        self._entries.append(entry)
        return entry

    def entries(self, *, method: str | None = None, path: str | None = None, limit: int = 1000) -> list[Document]:
        """The newest entries, oldest first."""
        found = [
            entry
            for entry in self._entries
            if (method is None or entry["method"] == method) and (path is None or fnmatchcase(entry["path"], path))
        ]
        return [{**entry, "params": from_text(entry["params"])} for entry in found[-limit:]]

    def refuse(self, entry: Document, message: str) -> None:
        """Record that a call asked for something that the sandbox does not simulate."""
        about = {name: entry[name] for name in ("at", "request_id", "method", "path")}
        self._refused.append({**about, "message": message})

    def refused(self) -> list[Document]:
        """What was refused as not simulated, oldest first."""
        return list(self._refused)

    def clear(self) -> None:
        self._entries.clear()
        self._refused.clear()


def redacted(value: object, name: str = "") -> object:
    """Parameters without the values of secrets and card numbers."""
    if isinstance(value, dict):
        return {key: redacted(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item, name) for item in value]
    return "[redacted]" if name in _SECRET else value
