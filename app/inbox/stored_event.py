"""Owns what is kept of an event, however it came: the body to the byte, without client secrets, and what intake needs."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from app.inbox.envelope import Envelope
from app.inbox.handlers import HANDLERS
from app.inbox.statements import NewEvent

CLIENT_SECRET = re.compile(r'"(?:pi|seti)_[A-Za-z0-9]+_secret_[A-Za-z0-9]+"')
REDACTED = '"[redacted]"'

DELIVERED = "delivery"
RECONCILED = "reconciler"


@dataclass(frozen=True, slots=True)
class Origin:
    """How an event came: which secret verified it, in which request; or that it was asked for."""

    source: str
    verified_by: str | None = None
    request_id: str | None = None


def is_ours(envelope: Envelope, *, livemode: bool) -> bool:
    """Whether an event is about this deployment's own account, in its own mode."""
    return envelope.livemode == livemode and envelope.account is None


def new_event(envelope: Envelope, payload: str, origin: Origin, *, ours: bool) -> NewEvent:
    """The event as it is stored; one that nothing handles, or that is not ours, is stored and ignored."""
    if "_secret_" in payload:
        payload = CLIENT_SECRET.sub(REDACTED, payload)
    return NewEvent(
        id=envelope.id,
        type=envelope.type,
        object_id=envelope.data.object.id,
        api_version=envelope.api_version,
        account=envelope.account,
        livemode=envelope.livemode,
        created_at=datetime.fromtimestamp(envelope.created, UTC),
        payload=payload,
        verified_by=origin.verified_by,
        source=origin.source,
        request_id=origin.request_id,
        handled=ours and envelope.type in HANDLERS,
    )
