"""Owns what an API key is: `ik_live_` or `ik_test_`, twelve characters that may be seen, and 256 secret bits.

Keys are as random as what they unlock, so a plain SHA-256 of one may be stored: there is nothing to guess.
"""

import re
import secrets
import string
from dataclasses import dataclass
from hashlib import sha256

ALPHABET = string.ascii_letters + string.digits
VISIBLE = 12
SECRET = 43
"""Characters of 62 kinds: 43 of them hold 256 bits."""
_KEY = re.compile(rf"(ik_(live|test)_[A-Za-z0-9]{{{VISIBLE}}})[A-Za-z0-9]{{{SECRET}}}")


@dataclass(frozen=True, slots=True)
class ReadKey:
    """What a well-formed key says of itself. `prefix` may be shown and stored, `digest` only stored."""

    prefix: str
    livemode: bool
    digest: bytes


def mode_prefix(*, livemode: bool) -> str:
    """How the keys of a deployment begin."""
    return "ik_live_" if livemode else "ik_test_"


def new_key(*, livemode: bool) -> str:
    """A key that nobody has seen; it is shown once and kept nowhere."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(VISIBLE + SECRET))
    return mode_prefix(livemode=livemode) + drawn


def read_key(given: str) -> ReadKey | None:
    """What `given` says of itself, or None where it has not the shape of a key."""
    match = _KEY.fullmatch(given)
    if match is None:
        return None
    return ReadKey(match[1], match[2] == "live", sha256(given.encode()).digest())
