"""Owns what a payment link's token is: which link, which invoice and until when, signed so that nobody can make one.

A token is `{link id}.{invoice id}.{expiry, seconds}.{HMAC-SHA256}`. It opens one invoice's page and nothing else; whether
the link was revoked is the database's to know.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import UUID

LONGEST_TOKEN = 600
PURPOSE = b"payment link\n"
"""Keeps a signature of this kind from being good for anything else made with the same key."""

GRACE = timedelta(hours=1)
"""How long past its expiry a link still shows how a payment ended, so that nobody who just paid is left in doubt."""


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """One link. Its expiry has a resolution of one second."""

    id: str
    invoice: str
    expires_at: datetime


class Standing(Enum):
    """What a link that was really made here is good for now."""

    GOOD = "good"
    EXPIRED = "expired"
    REVOKED = "revoked"


def link_id(operation: UUID) -> str:
    """The id of the link that `operation` makes: the same one whenever the operation is continued."""
    return f"plk_{operation.hex}"


def sign(link: PaymentLink, key: bytes) -> str:
    """The token of `link`."""
    payload = f"{link.id}.{link.invoice}.{int(link.expires_at.timestamp())}"
    return f"{payload}.{_signature(payload, key)}"


def read(token: str, keys: Sequence[bytes]) -> PaymentLink | None:
    """The link that one of `keys` signed `token` for, or None. Nothing in the token is read before it is verified."""
    payload, _, given = token.rpartition(".")
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        return None
    matches = [hmac.compare_digest(_signature(payload, key), given) for key in keys]
    if not any(matches):
        return None
    identifier, invoice, expiry = payload.split(".")
    return PaymentLink(identifier, invoice, datetime.fromtimestamp(int(expiry), UTC))


def standing(
    link: PaymentLink, revoked_at: datetime | None, now: datetime, grace: timedelta = timedelta(0)
) -> Standing:
    """Whether `link` may be used at `now`, or within `grace` of its expiry."""
    if revoked_at is not None:
        return Standing.REVOKED
    return Standing.GOOD if now < link.expires_at + grace else Standing.EXPIRED


def _signature(payload: str, key: bytes) -> str:
    digest = hmac.digest(key, PURPOSE + payload.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")
