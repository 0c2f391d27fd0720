"""Owns what one request or job turns out to have to do with, for its line in the log and for the lines on the way.

Whoever begins a request or a job lays a trail; whoever calls Stripe, or learns of an invoice, adds to the one it is on.
Nothing here is secret or personal: only ids.
"""

from contextvars import ContextVar, Token
from dataclasses import dataclass, field

MOST_CALLS = 20
"""Ids of calls to Stripe that a line names; a pass over everything makes thousands."""


@dataclass(slots=True)
class Trail:
    """The ids. `stripe`: Stripe's ids of the calls that were made."""

    request_id: str | None = None
    event_id: str | None = None
    invoice: str | None = None
    stripe: list[str] = field(default_factory=list)

    def found(self) -> dict[str, object]:
        """What there is to say, beside the ids that the line has anyway."""
        said: dict[str, object] = {}
        if self.invoice:
            said["invoice"] = self.invoice
        if self.stripe:
            said["stripe_requests"] = self.stripe
        return said


_trail: ContextVar[Trail | None] = ContextVar("trail", default=None)


def lay(trail: Trail) -> Token[Trail | None]:
    """From here on this task, and what it starts, is on `trail`."""
    return _trail.set(trail)


def leave(token: Token[Trail | None]) -> None:
    """The request or job is over."""
    _trail.reset(token)


def current() -> Trail | None:
    """The trail this task is on."""
    return _trail.get()


def called_stripe(request_id: str | None) -> None:
    """Stripe answered a call under this id."""
    trail = _trail.get()
    if trail is not None and request_id and len(trail.stripe) < MOST_CALLS:
        trail.stripe.append(request_id)


def about(subject: str | None) -> None:
    """What is done is about this object; only invoices are noted."""
    trail = _trail.get()
    if trail is not None and subject and subject.startswith("in_"):
        trail.invoice = subject
