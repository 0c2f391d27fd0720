"""The rules of outgoing webhooks: what an answer means, when it is tried again, when an endpoint is given up.

Pure: what dice and clocks say is passed in.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from app.domain.backoff import Backoff
from app.domain.events import written

PING: Final = "ping"
SECRET_BYTES = 32
MOST_ATTEMPTS = 15
BACKOFF = Backoff(first_s=5.0, longest_s=12 * 3600.0, spread=(0.8, 1.2))
"""5 s, 15 s, 45 s, … 12 h: with MOST_ATTEMPTS some three days, as the Standard Webhooks specification recommends."""
LONGEST_RETRY_AFTER_S = 24 * 3600.0
"""What an endpoint asks for in Retry-After is granted up to this."""
SILENCE = timedelta(seconds=1.5 * LONGEST_RETRY_AFTER_S)
"""Longer than a delivery rests: an endpoint that failed, then was sent nothing for so long, begins to fail anew."""
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
    """The class of a failed attempt; what the other side wrote is not kept, so that nothing can be read through us.

    ADDRESS and DNS are for the log and the metrics. Callers are told NO_ADDRESS for both: whoever could tell them apart
    could ask which names our network knows. They stand in what releases before wrote.
    """

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
    NO_ADDRESS = "no_address"


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
    def shown(self) -> Failure | None:
        """What callers are told of the failure."""
        return Failure.NO_ADDRESS if self.failure in {Failure.ADDRESS, Failure.DNS} else self.failure

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


def pause_after(attempts: int, dice: float | None = None, retry_after_s: float | None = None) -> timedelta:
    """How long a delivery rests after its `attempts`-th attempt failed; `dice` is the backoff's.

    An endpoint that asks for more time gets it, within bounds; one that asks for less does not hurry us.
    """
    return max(BACKOFF.pause(attempts, dice), timedelta(seconds=min(retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)))


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
