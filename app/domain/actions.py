"""Fulfillment actions: the moments at which they run, and their retries. Pure.

An action (a mail, or a hook of the team) runs at most once for each moment of a fulfillment, as far as its receiver can
detect repeats. The fulfillment's status is checked again when it runs; an action that was overtaken is skipped.
"""

import re
from enum import StrEnum
from typing import Final

from app.domain.backoff import Backoff

EMAIL: Final = "email"
"""The name of the action that mails the customer."""
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""What the name of an action must match."""

MOST_ATTEMPTS = 14
"""Tries before an action is dead; with the pauses below, about a day and a half."""
MOST_LOST = 5
"""How many workers may die while running an action before it is dead, so that it does not harm others for long."""
BACKOFF = Backoff(first_s=5.0, longest_s=6 * 3600.0)


class Moment(StrEnum):
    """The statuses of a fulfillment at which actions run."""

    PROCESSING = "processing"
    FULFILLED = "fulfilled"


class ActionStatus(StrEnum):
    """The status of an action."""

    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"
    DONE = "done"
    SKIPPED = "skipped"
    DEAD = "dead"


WAITING: Final = (ActionStatus.PENDING, ActionStatus.FAILED)
ENDED: Final = (ActionStatus.DONE, ActionStatus.SKIPPED, ActionStatus.DEAD)
RETRIED: Final = (ActionStatus.PENDING, ActionStatus.FAILED, ActionStatus.SKIPPED, ActionStatus.DEAD)
"""The statuses of actions that a person can retry."""


class Permanent(Exception):
    """A retry would fail the same way: the action is dead until a person looks.

    The reason must not hold personal data.
    """


class NotNow(Exception):
    """The action cannot be done now, but may be later. The reason must not hold personal data."""


class Skipped(Exception):
    """There is nothing to do; the reason says why."""


class Overtaken(Skipped):
    """The fulfillment has moved on. If it returns to the moment, the action is due again."""


class Misconfigured(Exception):
    """An action's configuration is wrong: the worker does not start."""


def moment_of(was: str | None, became: str) -> Moment | None:
    """The moment that a fulfillment has reached by changing from `was` to `became`; None if it is none."""
    return Moment(became) if became != was and became in set(Moment) else None


def require_due(moment: str, status: str) -> None:
    """Raise Overtaken unless the fulfillment's `status` still is the action's `moment`."""
    if moment != status:
        raise Overtaken(f"The fulfillment is {status} by now.")
