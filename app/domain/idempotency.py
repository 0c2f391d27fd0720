"""Owns what makes two requests the same, and the keys under which Stripe is asked.

Storage and locks are the database's; here are only the rules.
"""

import hashlib
from enum import Enum
from uuid import UUID

import msgspec

from app.domain.json import JsonView

MAX_KEY_LENGTH = 255
LEASE_S = 60
"""Seconds for which a running request owns its key; longer than any request's total deadline."""
RETENTION_HOURS = 48
"""How long an answer is kept for replay; the contract promises 24."""


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


def stripe_key(operation: UUID, step: str, generation: int = 0) -> str:
    """The Idempotency-Key of one Stripe call: stable over retries, takeovers and restarts.

    `generation` moves on only where Stripe stored a failure under the key and nothing was executed.
    """
    suffix = f".{generation}" if generation else ""
    return f"inv-{operation.hex}-{step}{suffix}"
