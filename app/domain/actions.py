"""What follows a payment outside this service: the moments of a fulfillment, and when an action is due. Pure.

An action (a mail, a hook of the team's own) is done at most once for each moment of a fulfillment, as far as whoever
takes it lets that be known. The state is looked at again when it is done: what was overtaken is not done any more.
"""

import re
from enum import StrEnum
from typing import Final

from app.domain.backoff import Backoff

EMAIL: Final = "email"
"""The name of the action that mails the customer."""
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""What an action may be called."""

MOST_ATTEMPTS = 14
"""Tries before an action is set aside as dead; with the pauses below, about a day and a half."""
MOST_LOST = 5
"""How often a worker may die over an action before it is set aside: others must not suffer from it for long."""
BACKOFF = Backoff(first_s=5.0, longest_s=6 * 3600.0)


class Moment(StrEnum):
    """The statuses of a fulfillment at which something is done."""

    PROCESSING = "processing"
    FULFILLED = "fulfilled"


class ActionStatus(StrEnum):
    """Where an action stands."""

    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"
    DONE = "done"
    SKIPPED = "skipped"
    DEAD = "dead"


WAITING: Final = (ActionStatus.PENDING, ActionStatus.FAILED)
ENDED: Final = (ActionStatus.DONE, ActionStatus.SKIPPED, ActionStatus.DEAD)
RETRIED: Final = (ActionStatus.PENDING, ActionStatus.FAILED, ActionStatus.SKIPPED, ActionStatus.DEAD)
"""What a person may have tried again."""


class Permanent(Exception):
    """Doing it again would fail the same way: the action is set aside for a person. The reason names nobody."""


class NotNow(Exception):
    """It cannot be done right now, and why; later it may. The reason names nobody."""


class Skipped(Exception):
    """There is nothing to do, and why."""


class Overtaken(Skipped):
    """The fulfillment has moved on; where it comes back to the moment, the action is due after all."""


class Misconfigured(Exception):
    """An action cannot be done as it is configured: the worker does not start."""


def moment_of(was: str | None, became: str) -> Moment | None:
    """The moment at which a fulfillment that changed has arrived, if it is one."""
    return Moment(became) if became != was and became in set(Moment) else None


def require_due(moment: str, status: str) -> None:
    """Raise Overtaken where an action of `moment` is not due any more for a fulfillment that stands at `status`."""
    if moment != status:
        raise Overtaken(f"The fulfillment is {status} by now.")
