"""API keys: `ik_live_` or `ik_test_`, twelve visible characters and 256 random secret bits.

A plain SHA-256 digest may be stored, because a random key cannot be guessed. Pure.
"""

import re
import secrets
import string
from dataclasses import dataclass
from hashlib import sha256

ALPHABET = string.ascii_letters + string.digits
VISIBLE = 12
SECRET = 43
"""Length of the secret part: 43 characters out of 62 hold 256 bits."""
_KEY = re.compile(rf"ik_(live|test)_[A-Za-z0-9]{{{VISIBLE + SECRET}}}")


@dataclass(frozen=True, slots=True)
class ReadKey:
    """The parts of a well-formed key. `prefix` may be shown and stored, `digest` only stored."""

    prefix: str
    livemode: bool
    digest: bytes


def new_key(*, livemode: bool) -> str:
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(VISIBLE + SECRET))
    return f"ik_{'live' if livemode else 'test'}_{drawn}"


def read_key(given: str) -> ReadKey | None:
    """The parts of `given`; None if it is not shaped like a key."""
    match = _KEY.fullmatch(given)
    if match is None:
        return None
    return ReadKey(prefix_of(given), match[1] == "live", digest_of(given))


def prefix_of(key: str) -> str:
    return key[:-SECRET]


def digest_of(key: str) -> bytes:
    return sha256(key.encode()).digest()
