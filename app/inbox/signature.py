"""Decides whether a delivery is Stripe's, from its raw body and its signature header.

Stripe's SDK verifies the signature, once per secret, in constant time. The header is checked before that, because most
forged requests can be refused before their body arrives. Unlike the SDK, this also refuses times in the future. A
refusal is a text, not an exception.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import SecretStr

from app.stripe.signature import is_signed

TOLERANCE_S = 300
"""The most seconds between the signature's time and ours, past or future."""
LONGEST_HEADER = 4096
_TIME = re.compile(rb"(?:^|,)t=([^,]*)")
"""The time as the SDK reads it: the first of several."""
_SIGNATURE = re.compile(rb"(?:^|,)v1=[0-9a-f]{64}(?:,|$)")
_SECONDS = re.compile(rb"[0-9]{1,12}")

ABSENT = "The Stripe-Signature header is missing or too long."
MALFORMED = "The Stripe-Signature header is not `t=…,v1=…`."
STALE = f"The signature's timestamp is more than {TOLERANCE_S} seconds away from now."
FORGED = "No signature in Stripe-Signature matches the body under any configured secret."
WHY = {
    ABSENT: "signature_absent",
    MALFORMED: "signature_malformed",
    STALE: "signature_stale",
    FORGED: "signature_forged",
}
"""The reasons of refusals, and the names under which they are counted."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A signing secret. `name` identifies it without revealing it."""

    value: str = field(repr=False)
    name: str


def signing_secrets(secrets: Sequence[SecretStr]) -> tuple[SigningSecret, ...]:
    """The secrets with their names: `whsec:` and the first eight hex digits of the secret's SHA-256."""
    values = [secret.get_secret_value() for secret in secrets]
    return tuple(SigningSecret(it, f"whsec:{sha256(it.encode()).hexdigest()[:8]}") for it in values)


def refusal_of_header(header: bytes) -> str | None:
    """Why `header` cannot be Stripe's; None if it has a current time and a signature."""
    if not header or len(header) > LONGEST_HEADER:
        return ABSENT
    at = _TIME.search(header)
    if at is None or not _SECONDS.fullmatch(at[1]) or not _SIGNATURE.search(header) or not header.isascii():
        return MALFORMED
    if abs(time.time() - int(at[1])) > TOLERANCE_S:
        return STALE
    return None


def signed_by(body: bytes, header: bytes, secrets: Sequence[SigningSecret]) -> str | None:
    """The name of the secret that signed `body`; None if none did. `header` has passed `refusal_of_header`."""
    try:
        payload = body.decode()
    except UnicodeDecodeError:
        return None
    signature = header.decode("ascii")
    signers = (it.name for it in secrets if is_signed(payload, signature, it.value, TOLERANCE_S))
    return next(signers, None)
