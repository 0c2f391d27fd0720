"""Fulfillment actions: the moments at which they run, and their retries. Pure.

An action (a mail, or a hook of the team) runs at most once for each occasion of a fulfillment, as far as its receiver
can detect repeats. The fulfillment's status is checked again when it runs; an action that was overtaken is skipped.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from app.domain.backoff import Backoff
from app.domain.fulfillment import BEGUN, FulfillmentStatus

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
    """When the actions of a fulfillment run: what became of it."""

    PROCESSING = "processing"
    FULFILLED = "fulfilled"
    ACTION_REQUIRED = "action_required"
    DISPUTED = "disputed"
    PARTLY_REVERSED = "partly_reversed"
    REVERSED = "reversed"
    REINSTATED = "reinstated"
    REMINDER = "reminder"


ONCE: Final = frozenset({Moment.PROCESSING, Moment.FULFILLED})
"""Moments whose actions run once for a fulfillment. The others' run once each time they are reached."""

_FULFILLED = frozenset({FulfillmentStatus.FULFILLED})
DUE_AT: Final = {
    Moment.PROCESSING: frozenset({FulfillmentStatus.PROCESSING}),
    Moment.FULFILLED: _FULFILLED,
    Moment.ACTION_REQUIRED: frozenset({FulfillmentStatus.ACTION_REQUIRED}),
    Moment.DISPUTED: frozenset({FulfillmentStatus.DISPUTED, FulfillmentStatus.FULFILLED}),
    Moment.PARTLY_REVERSED: BEGUN,
    Moment.REVERSED: frozenset({FulfillmentStatus.REVERSED}),
    Moment.REINSTATED: _FULFILLED,
    Moment.REMINDER: frozenset(
        {
            FulfillmentStatus.AWAITING_PAYMENT,
            FulfillmentStatus.PAYMENT_FAILED,
            FulfillmentStatus.ACTION_REQUIRED,
            *BEGUN,
        }
    ),
}
"""The statuses of the fulfillment at which each moment's actions are still due."""

MAILED: Final = (
    Moment.PROCESSING, Moment.FULFILLED, Moment.ACTION_REQUIRED, Moment.PARTLY_REVERSED, Moment.REVERSED, Moment.REINSTATED,
    Moment.REMINDER,
)  # fmt: skip
"""The moments at which customers are mailed, where the deployment does not say otherwise. A dispute is their own act."""
MAIL_WAITS: Final = {Moment.ACTION_REQUIRED: 600}
"""How many seconds the mail of a moment waits: most payers who must authenticate are doing so at this moment."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A moment, and the number of the history entry that reached it; 0 if the moment is reached only once.

    The number of a reminder is its day: 7 is seven days after the due date, -3 three days before it. Written as
    `reversed:7`. An older release knows no numbers, and distinguishes actions by their moments alone.
    """

    moment: Moment
    number: int = 0

    def __str__(self) -> str:
        return f"{self.moment}:{self.number}" if self.number else self.moment.value

    @classmethod
    def of(cls, moment: Moment, number: int) -> Self:
        """The occasion of the history entry `number`."""
        return cls(moment, 0 if moment in ONCE else number)

    @classmethod
    def read(cls, text: str) -> Self:
        """The occasion written as `text`."""
        moment, _, number = text.partition(":")
        return cls(Moment(moment), int(number or 0))


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
    """A retry would fail the same way: the action is dead. The reason must not hold personal data."""


class NotNow(Exception):
    """The action cannot be done now, but may be later. The reason must not hold personal data."""


class Skipped(Exception):
    """There is nothing to do; the reason says why."""


class Overtaken(Skipped):
    """The fulfillment has moved on. If it returns to the moment, the action is due again."""


class Misconfigured(Exception):
    """An action's configuration is wrong: the worker does not start."""


def require_due(moment: Moment, status: str) -> None:
    """Raise Overtaken unless the action of `moment` is still due at the fulfillment's `status`."""
    if status not in DUE_AT[moment]:
        raise Overtaken(f"The fulfillment is {status} by now.")
