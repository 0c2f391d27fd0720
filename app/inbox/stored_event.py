"""What is stored of an event: the body as received, without what lets its holder pay, and the fields of its row.

Stripe repeats the address that a payer comes back to, which holds our link's token, and has client secrets in addresses of
its own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.redaction import without_payers
from app.inbox.envelope import Envelope
from app.inbox.handlers import HANDLERS
from app.inbox.statements import NewEvent

DELIVERED = "delivery"
RECONCILED = "reconciler"


@dataclass(frozen=True, slots=True)
class Origin:
    """How an event came: delivered (verified by which secret, in which request), or fetched."""

    source: str
    verified_by: str | None = None
    request_id: str | None = None


def is_ours(envelope: Envelope, *, livemode: bool) -> bool:
    """Whether an event belongs to this deployment's account and mode."""
    return envelope.livemode == livemode and envelope.account is None


def new_event(envelope: Envelope, payload: str, origin: Origin, *, ours: bool) -> NewEvent:
    """The event as it is stored. One without a handler, or not `ours`, is stored and ignored."""
    return NewEvent(
        id=envelope.id,
        type=envelope.type,
        object_id=envelope.data.object.id,
        api_version=envelope.api_version,
        account=envelope.account,
        livemode=envelope.livemode,
        created_at=datetime.fromtimestamp(envelope.created, UTC),
        payload=without_payers(payload),
        verified_by=origin.verified_by,
        source=origin.source,
        request_id=origin.request_id,
        handled=ours and envelope.type in HANDLERS,
    )
