"""Rules of outgoing webhooks: what an answer means, when to retry, when to disable an endpoint. Pure."""

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
"""5 s, 15 s, 45 s, … 12 h. MOST_ATTEMPTS take about three days, as the Standard Webhooks specification recommends."""
LONGEST_RETRY_AFTER_S = 24 * 3600.0
"""The longest Retry-After that is followed."""
SILENCE = timedelta(seconds=1.5 * LONGEST_RETRY_AFTER_S)
"""An endpoint that failed and was then sent nothing for so long counts as failing anew. Longer than any pause."""
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


class Failure(StrEnum):
    """Why an attempt failed. Of what the endpoint answered, only the status is kept.

    `address_refused` and `dns` are for the log and the metrics. Callers get `no_address` for both, so that they cannot
    find out which names the inner network knows. Attempts that an older release logged may still have them.
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
    """One attempt, begun at `at`. `failure` is None if the endpoint accepted. `retry_after_s` is what it asked for."""

    at: str
    ms: int
    status: int | None
    failure: Failure | None
    retry_after_s: float | None = None

    @property
    def accepted(self) -> bool:
        return self.failure is None

    @property
    def shown(self) -> Failure | None:
        """The failure as callers see it."""
        return Failure.NO_ADDRESS if self.failure in {Failure.ADDRESS, Failure.DNS} else self.failure

    @property
    def gone(self) -> bool:
        """Whether the endpoint asked for no more deliveries."""
        return self.failure is Failure.GONE


def judge(status: int) -> Failure | None:
    """The failure that a status means; None for 2xx. Redirects are not followed, so they are failures."""
    if status in ACCEPTED:
        return None
    if status in MOVED:
        return Failure.REDIRECT
    return Failure.GONE if status == GONE else Failure.STATUS


def pause_after(attempts: int, dice: float | None = None, retry_after_s: float | None = None) -> timedelta:
    """The pause after the `attempts`-th attempt failed. `dice` sets the jitter. A longer Retry-After counts, up to a limit."""
    return max(BACKOFF.pause(attempts, dice), timedelta(seconds=min(retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)))


def new_secret() -> str:
    """Return a new signing secret in the form of the Standard Webhooks specification."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def ping_document(event: str, endpoint: str, at: datetime, source: str) -> bytes:
    """The document of a ping, which only shows that deliveries arrive. It is not in the feed, so it has no sequence."""
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
