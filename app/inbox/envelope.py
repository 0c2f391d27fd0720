"""Decodes events: the few fields that intake needs, or the whole event for processing."""

import re
from datetime import UTC, datetime
from typing import Literal

import msgspec

from app.domain.errors import MalformedRequest
from app.domain.json import NUL, JsonObject, without_nul

EventStatus = Literal["received", "processing", "processed", "ignored", "failed", "dead"]
"""The states of a stored event."""


class EventObject(msgspec.Struct):
    """The object of an event. Some, such as an upcoming invoice, have no id."""

    id: str | None = None


class EventData(msgspec.Struct):
    object: EventObject


class Envelope(msgspec.Struct):
    """What intake reads of a snapshot event. The rest is stored as received."""

    id: str
    object: str
    type: str
    created: int
    livemode: bool
    data: EventData
    api_version: str | None = None
    account: str | None = None


class Caused(msgspec.Struct):
    """The call of ours to Stripe that caused an event."""

    idempotency_key: str | None = None


class Cause(msgspec.Struct):
    request: Caused | None = None


class Payload(msgspec.Struct):
    object: JsonObject


class Event(msgspec.Struct):
    """A whole event. `created` is in seconds of Stripe's clock."""

    id: str
    type: str
    created: int
    data: Payload
    api_version: str | None = None

    @property
    def created_at(self) -> datetime:
        """When Stripe made the event."""
        return datetime.fromtimestamp(self.created, UTC)

    @property
    def object(self) -> JsonObject:
        """The object as it was after the change."""
        return self.data.object


_envelope = msgspec.json.Decoder(Envelope)
_cause = msgspec.json.Decoder(Cause)
_event = msgspec.json.Decoder(Event)

LONGEST_ID = 255
LATEST = 253_402_300_799
DEEPEST = 200
"""The most levels of an event; Stripe's have about ten. The code that works on events recurses, so it needs a bound."""
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?+|[\[{]|[\]}]', re.DOTALL)
TOO_DEEP = f"The body is nested more than {DEEPEST} levels deep."


def read_envelope(body: bytes) -> Envelope:
    """The envelope of a verified body. Raises MalformedRequest unless it is a snapshot event."""
    try:
        envelope = _envelope.decode(body)
    except msgspec.MsgspecError as error:
        raise MalformedRequest(f"The body is not a snapshot event: {error}") from None
    except RecursionError:
        raise MalformedRequest(TOO_DEEP) from None
    if _is_too_deep(body):
        raise MalformedRequest(TOO_DEEP)
    if envelope.object != "event":
        raise MalformedRequest(f"The body is a {envelope.object[:40]!r}, not a snapshot event.")
    names = (
        envelope.id,
        envelope.type,
        envelope.data.object.id or "-",
        envelope.api_version or "-",
        envelope.account or "-",
    )
    if (
        not all(0 < len(name) <= LONGEST_ID and name.isprintable() for name in names)
        or not 0 < envelope.created < LATEST
    ):
        raise MalformedRequest("One of the event's names or its created is out of bounds.")
    return envelope


def _is_too_deep(body: bytes) -> bool:
    """Whether a JSON document has more than DEEPEST levels. Most have too few brackets for that and are not parsed."""
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return False
    depth = 0
    for token in _TOKENS.finditer(body):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        if depth > DEEPEST:
            return True
    return False


def read_cause(body: bytes) -> str | None:
    """The Idempotency-Key of the call to Stripe that caused an event; None if the body names none."""
    try:
        found = _cause.decode(body).request
    except msgspec.MsgspecError:
        return None
    return found.idempotency_key if found else None


def read_event(payload: str) -> Event:
    """The whole event that intake stored. Its texts can be stored in PostgreSQL."""
    event = _event.decode(payload)
    if NUL in payload:
        event.data.object = without_nul(event.data.object)
    return event
