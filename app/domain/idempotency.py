"""Owns what makes two requests the same, the keys under which Stripe is asked, and how long everything is good for.

Storage and locks are the database's; here are only the rules.
"""

import hashlib
import re
from datetime import timedelta
from enum import Enum
from uuid import UUID

import msgspec

from app.domain.json import JsonView

MAX_KEY_LENGTH = 255
LEASE_FACTOR = 1.6
"""A running request owns its key for this many times its total deadline: it has ended before the lease does."""
RETENTION = timedelta(hours=48)
"""How long an answer is kept for replay; the contract promises 24 hours."""
STRIPE_KEEPS_KEYS = timedelta(hours=23)
"""How long Stripe surely knows a key; it may forget it after 24 hours, and would then execute a second time."""
MOST_GENERATIONS = 3
"""How often one step may move on to a fresh Stripe key."""
COMPLETION = timedelta(hours=1)
"""For how long what nobody asks for any more is tried to be finished; then what it began is undone."""
LONGEST_BACKOFF = 4
"""The completer's pause doubles this many times at most."""


class KeyVerdict(Enum):
    """What a known key says about a request that carries it."""

    REPLAY = "replay"
    MISMATCH = "mismatch"
    IN_PROGRESS = "in_progress"


def fingerprint(target: str, params: JsonView) -> str:
    """A hash of what was asked: method and path, and the body as canonical JSON (keys sorted, absent is absent)."""
    body = msgspec.json.encode(params, order="sorted")
    return hashlib.sha256(target.encode() + b"\n" + body).hexdigest()


def judge_key(stored_fingerprint: str, asked_fingerprint: str, *, answered: bool) -> KeyVerdict:
    """The verdict on a key that is taken and cannot be taken over."""
    if stored_fingerprint != asked_fingerprint:
        return KeyVerdict.MISMATCH
    return KeyVerdict.REPLAY if answered else KeyVerdict.IN_PROGRESS


_STRIPE_KEY = re.compile(r"inv-([0-9a-f]{32})-")


def operation_of(key: str) -> UUID | None:
    """The operation whose Stripe call carried `key`; None where it is no key of ours."""
    found = _STRIPE_KEY.match(key)
    return UUID(found[1]) if found else None


def stripe_key(operation: UUID, step: str, generation: int = 0) -> str:
    """The Idempotency-Key of one Stripe call: stable over retries, takeovers and restarts.

    `generation` moves on only where nothing can be executed under the key any more, and nothing was.
    """
    suffix = f".{generation}" if generation else ""
    return f"inv-{operation.hex}-{step}{suffix}"
