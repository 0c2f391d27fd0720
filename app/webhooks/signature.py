"""Owns who may speak as Stripe: raw bytes and a header in, which secret signed them out; anything else is refused.

Every failure is InvalidSignature. The comparison is the SDK's, constant in time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import stripe
from pydantic import SecretStr

from app.domain.errors import InvalidSignature

TOLERANCE_S = 300
"""How far a signature's time may be from ours, into the past and into the future."""
LONGEST_HEADER = 4096


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """One of the secrets that may have signed; `name` says which without giving it away."""

    value: str
    name: str


def signing_secrets(secrets: Sequence[SecretStr]) -> tuple[SigningSecret, ...]:
    """The secrets with their names: `whsec_…` and the first eight hex digits of the secret's SHA-256."""
    values = [secret.get_secret_value() for secret in secrets]
    return tuple(SigningSecret(value, f"whsec:{sha256(value.encode()).hexdigest()[:8]}") for value in values)


def verify(body: bytes, header: str | None, secrets: Sequence[SigningSecret]) -> str:
    """The name of the secret that signed `body`. Raises InvalidSignature; takes the raw bytes as they came."""
    if not header or len(header) > LONGEST_HEADER:
        raise InvalidSignature("The Stripe-Signature header is missing or too long.")
    try:
        payload = body.decode()
    except UnicodeDecodeError:
        raise InvalidSignature("The body is not UTF-8.") from None
    signed_by = next((secret.name for secret in secrets if _signed(payload, header, secret.value)), None)
    if signed_by is None:
        raise InvalidSignature("No signature in Stripe-Signature matches the body under any configured secret.")
    if abs(time.time() - _timestamp(header)) > TOLERANCE_S:
        raise InvalidSignature(f"The signature's timestamp is more than {TOLERANCE_S} seconds away from now.")
    return signed_by


def _signed(payload: str, header: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(payload, header, secret, tolerance=None)
    except (stripe.SignatureVerificationError, TypeError, ValueError):
        return False
    return True


def _timestamp(header: str) -> int:
    """The `t=` of a header that verified, so that it is there and is a number."""
    return next(int(part[2:]) for part in header.split(",") if part.startswith("t="))
