"""Owns the rules of outgoing webhooks: what an answer means, when it is tried again, when an endpoint is given up.

Pure: what dice and clocks say is passed in.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from app.domain.events import written

PING: Final = "ping"
SECRET_BYTES = 32
MOST_ATTEMPTS = 15
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 12 * 3600.0
"""5 s, 15 s, 45 s, … 12 h: with MOST_ATTEMPTS some three days, as the Standard Webhooks specification recommends."""
JITTER = 0.2
"""By how much of itself a pause may be shorter or longer, so that failures of one moment do not come back as one."""
LONGEST_RETRY_AFTER_S = 24 * 3600.0
"""What an endpoint asks for in Retry-After is granted up to this."""
GONE = 410
ACCEPTED = range(200, 300)
MOVED = range(300, 400)


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why an endpoint gets nothing: its owner said so, it answered 410 Gone, or it failed for days on end."""

    CALLER = "caller"
    GONE = "gone"
    FAILING = "failing"


class DeliveryStatus(StrEnum):
    """Where a delivery stands. `failed` rests until its next attempt, `dead` is given up, until somebody asks again."""

    PENDING = "pending"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"
    DEAD = "dead"
    CANCELED = "canceled"


WAITING = (DeliveryStatus.PENDING, DeliveryStatus.DELIVERING, DeliveryStatus.FAILED)
FINISHED = (DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.CANCELED)


class Failure(StrEnum):
    """The class of a failed attempt; what the other side wrote is not kept, so that nothing can be read through us."""

    ADDRESS = "address_refused"
    DNS = "dns"
    CONNECTION = "connection"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESPONSE = "bad_response"
    REDIRECT = "redirect"
    STATUS = "status"
    GONE = "gone"
    SECRET = "secret_unreadable"  # noqa: S105 -- a name
    WORKER = "worker_lost"
    EVENT = "event_gone"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, begun `at`. `failure` is None where the endpoint accepted; retry_after_s is what it asked for."""

    at: str
    ms: int
    status: int | None
    failure: Failure | None
    retry_after_s: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the endpoint said that it has it."""
        return self.failure is None

    @property
    def gone(self) -> bool:
        """Whether the endpoint said that it wants nothing any more."""
        return self.failure is Failure.GONE


def judge(status: int) -> Failure | None:
    """What an answer's status means: only 2xx is received. Redirects are not followed, so nobody received anything."""
    if status in ACCEPTED:
        return None
    if status in MOVED:
        return Failure.REDIRECT
    return Failure.GONE if status == GONE else Failure.STATUS


def pause_after(attempts: int, dice: float, retry_after_s: float | None = None) -> timedelta:
    """How long a delivery rests after its `attempts`-th attempt failed; `dice` is between 0 and 1.

    An endpoint that asks for more time gets it, within bounds; one that asks for less does not hurry us.
    """
    pause = min(FIRST_PAUSE_S * 3 ** (attempts - 1), LONGEST_PAUSE_S) * (1 + JITTER * (2 * dice - 1))
    return timedelta(seconds=max(pause, min(retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)))


def new_secret() -> str:
    """A signing secret that nobody has seen, as the Standard Webhooks specification writes it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def ping_document(event: str, endpoint: str, at: datetime, source: str) -> bytes:
    """The event that tells nothing but that deliveries arrive. It is in no feed, so it has no place there."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event,
            "source": source,
            "type": PING,
            "subject": endpoint,
            "time": written(at),
            "datacontenttype": "application/json",
            "data": {"endpoint": endpoint},
        }
    )
