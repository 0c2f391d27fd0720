"""Decides whether a delivery is Stripe's: raw bytes and a header in, the name of the signing secret out.

Stripe's SDK verifies the signature, once per secret, in constant time. Before that the header alone is looked at: most of
what comes to an open address is not Stripe's, and is refused before its body is there. Times in the future are refused,
too, which the SDK does not do. A refusal is a plain answer (why, in words), not an exception.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import SecretStr

from app.stripe.signature import is_signed

TOLERANCE_S = 300
"""How far a signature's time may be from ours, into the past and into the future."""
LONGEST_HEADER = 4096
_TIME = re.compile(rb"(?:^|,)t=([^,]*)")
"""The time as the SDK reads it: of several the first."""
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
"""Every reason for which a delivery is refused, and what it is counted as."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """One of the secrets that may have signed; `name` says which without giving it away."""

    value: str = field(repr=False)
    name: str


def signing_secrets(secrets: Sequence[SecretStr]) -> tuple[SigningSecret, ...]:
    """The secrets with their names: `whsec:` and the first eight hex digits of the secret's SHA-256."""
    values = [secret.get_secret_value() for secret in secrets]
    return tuple(SigningSecret(it, f"whsec:{sha256(it.encode()).hexdigest()[:8]}") for it in values)


def refusal_of_header(header: bytes) -> str | None:
    """Why `header` cannot be Stripe's; None where it may be: it names one time, which is near, and signatures."""
    if not header or len(header) > LONGEST_HEADER:
        return ABSENT
    at = _TIME.search(header)
    if at is None or not _SECONDS.fullmatch(at[1]) or not _SIGNATURE.search(header) or not header.isascii():
        return MALFORMED
    if abs(time.time() - int(at[1])) > TOLERANCE_S:
        return STALE
    return None


def signed_by(body: bytes, header: bytes, secrets: Sequence[SigningSecret]) -> str | None:
    """The name of the secret that signed `body`, the bytes as they came; None where none of them did.

    `header` is one that `refusal_of_header` lets through. What is no UTF-8 is not signed by Stripe, which sends JSON.
    """
    try:
        payload = body.decode()
    except UnicodeDecodeError:
        return None
    signature = header.decode("ascii")
    signers = (it.name for it in secrets if is_signed(payload, signature, it.value, TOLERANCE_S))
    return next(signers, None)
