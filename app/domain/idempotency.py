"""Rules of idempotency: when two requests are the same, the keys of Stripe calls, and how long each is valid. Pure."""

import hashlib
import re
from datetime import timedelta
from uuid import UUID

import msgspec

from app.domain.json import JsonView

MAX_KEY_LENGTH = 255
LEASE_FACTOR = 1.6
"""A request's lease on its key, as a multiple of its deadline, so that the request ends before the lease."""
RETENTION = timedelta(hours=48)
"""How long an answer is kept for replay; the contract promises 24 hours."""
STRIPE_KEEPS_KEYS = timedelta(hours=23)
"""How long Stripe surely knows a key. After 24 hours it may forget it and would execute a request again."""
MOST_GENERATIONS = 3
"""How often one step may change to a fresh Stripe key."""
COMPLETION = timedelta(hours=1)
"""How long the completer tries to finish an operation that nobody retries; then it undoes it."""
LONGEST_BACKOFF = 4
"""The most doublings of the completer's pause."""


def fingerprint(target: str, params: JsonView) -> str:
    """A hash of a request: method, path, and the body as canonical JSON (sorted keys, absent fields stay absent)."""
    body = msgspec.json.encode(params, order="sorted")
    return hashlib.sha256(target.encode() + b"\n" + body).hexdigest()


_STRIPE_KEY = re.compile(r"inv-([0-9a-f]{32})-")


def operation_of(key: str) -> UUID | None:
    """The id of the operation whose Stripe call carried `key`; None if the key is not ours."""
    found = _STRIPE_KEY.match(key)
    return UUID(found[1]) if found else None


def stripe_key(operation: UUID, step: str, generation: int = 0) -> str:
    """The Idempotency-Key of one Stripe call. It stays the same over retries, takeovers and restarts.

    `generation` changes only when nothing was or can be executed under the key.
    """
    suffix = f".{generation}" if generation else ""
    return f"inv-{operation.hex}-{step}{suffix}"
