"""Tokens of links: `{link id}.{id of what it opens}.{expiry, seconds}.{HMAC-SHA256}`.

A payment link opens the page of one invoice, a portal link the pages of one customer, and neither opens anything else.
Whether a link was revoked is in the database. Pure.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar
from uuid import UUID

LONGEST_TOKEN = 600
HOSTED_PAGES = {"hosted": "hosted_invoice_url", "pdf": "invoice_pdf"}
"""Stripe's pages that our own addresses forward to, because Stripe's expire: the last part of ours, and the field."""

GRACE = timedelta(hours=1)
"""How long past its expiry a link still shows how a payment ended, for people who have just paid."""


@dataclass(frozen=True, slots=True)
class PaymentLink:
    """One link. Its expiry is in whole seconds. `saves`: what the invoice is paid with is saved; the token does not say so."""

    id: str
    invoice: str
    expires_at: datetime
    saves: bool = False


@dataclass(frozen=True, slots=True)
class PortalLink:
    """One link to the pages of a customer. Its expiry is in whole seconds."""

    id: str
    customer: str
    expires_at: datetime


PURPOSES: dict[type, bytes] = {PaymentLink: b"payment link\n", PortalLink: b"portal link\n"}
"""Part of what is signed, so that a signature is valid for nothing else made with the same key."""
PORTAL = "prtl_"
"""How the ids, and so the tokens, of portal links begin."""
AnyLink = TypeVar("AnyLink", PaymentLink, PortalLink)


class Standing(Enum):
    """The state of a genuine link."""

    GOOD = "good"
    EXPIRED = "expired"
    REVOKED = "revoked"


def link_id(operation: UUID) -> str:
    """The id of the link that `operation` makes; the same if the operation is continued."""
    return f"plk_{operation.hex}"


def portal_link_id(operation: UUID) -> str:
    """The id of the portal link that `operation` makes; the same if the operation is continued."""
    return f"{PORTAL}{operation.hex}"


def link_id_in_portal(portal: str, invoice: str) -> str:
    """The id of the payment link by which a portal link opens an invoice; the same each time."""
    return f"plk_{hashlib.sha256(f'{portal}.{invoice}'.encode()).hexdigest()[:32]}"


def link_id_of_mail(action_id: str) -> str:
    """The id of the link in the mail of a fulfillment action; the same if the mail is written again."""
    return f"plk_{action_id.removeprefix('act_')}"


def sign(link: PaymentLink | PortalLink, key: bytes) -> str:
    opens = link.invoice if isinstance(link, PaymentLink) else link.customer
    payload = f"{link.id}.{opens}.{int(link.expires_at.timestamp())}"
    return f"{payload}.{_signature(payload, key, type(link))}"


def read(token: str, keys: Sequence[bytes], kind: type[AnyLink]) -> AnyLink | None:
    """The link of `token` if one of `keys` signed it; otherwise None. Nothing is parsed before it is verified."""
    payload, _, given = token.rpartition(".")
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        return None
    matches = [hmac.compare_digest(_signature(payload, key, kind), given) for key in keys]
    if not any(matches):
        return None
    identifier, opens, expiry = payload.split(".")
    return kind(identifier, opens, datetime.fromtimestamp(int(expiry), UTC))


def standing(
    link: PaymentLink | PortalLink, revoked_at: datetime | None, now: datetime, grace: timedelta = timedelta(0)
) -> Standing:
    """The state of `link` at `now`; `grace` extends its expiry."""
    if revoked_at is not None:
        return Standing.REVOKED
    return Standing.GOOD if now < link.expires_at + grace else Standing.EXPIRED


def _signature(payload: str, key: bytes, kind: type) -> str:
    digest = hmac.digest(key, PURPOSES[kind] + payload.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")
