"""Owns who may speak as Stripe: raw bytes and a header in, which secret signed them out; anything else is refused.

Every failure is InvalidSignature. The comparison is the SDK's, constant in time.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic import SecretStr
from stripe import SignatureVerificationError, WebhookSignature

from app.domain.errors import InvalidSignature

TOLERANCE_S = 300
"""How far a signature's time may be from ours, into the past and into the future."""
LONGEST_HEADER = 4096
_TIME = re.compile(r"(?:^|,)t=([0-9]{1,12})(?:,|$)")
_SIGNATURE = re.compile(r"(?:^|,)v1=[0-9a-f]{64}(?:,|$)")


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """One of the secrets that may have signed; `name` says which without giving it away."""

    value: str
    name: str


def signing_secrets(secrets: Sequence[SecretStr]) -> tuple[SigningSecret, ...]:
    """The secrets with their names: `whsec_…` and the first eight hex digits of the secret's SHA-256."""
    values = [secret.get_secret_value() for secret in secrets]
    return tuple(SigningSecret(value, f"whsec:{sha256(value.encode()).hexdigest()[:8]}") for value in values)


def require_plausible(header: str | None) -> str:
    """`header`, where it could be Stripe's: it names a time that is near and a signature of the right shape.

    Raises InvalidSignature for the rest, which is most of what strangers send, before a byte of the body is looked at.
    """
    if not header or len(header) > LONGEST_HEADER:
        raise InvalidSignature("The Stripe-Signature header is missing or too long.")
    time_ = _TIME.search(header)
    if time_ is None or not _SIGNATURE.search(header):
        raise InvalidSignature("The Stripe-Signature header is not `t=…,v1=…`.")
    if abs(time.time() - int(time_[1])) > TOLERANCE_S:
        raise InvalidSignature(f"The signature's timestamp is more than {TOLERANCE_S} seconds away from now.")
    return header


def verify(body: bytes, header: str | None, secrets: Sequence[SigningSecret]) -> str:
    """The name of the secret that signed `body`. Raises InvalidSignature; takes the raw bytes as they came."""
    plausible = require_plausible(header)
    try:
        payload = body.decode()
    except UnicodeDecodeError:
        raise InvalidSignature("The body is not UTF-8.") from None
    signed_by = next((secret.name for secret in secrets if _signed(payload, plausible, secret.value)), None)
    if signed_by is None:
        raise InvalidSignature("No signature in Stripe-Signature matches the body under any configured secret.")
    return signed_by


def _signed(payload: str, header: str, secret: str) -> bool:
    try:
        WebhookSignature.verify_header(payload, header, secret, tolerance=None)
    except (SignatureVerificationError, TypeError, ValueError):
        return False
    return True
