"""Reminders: on which days around its due date the payer of an invoice is reminded, and what is told of the date. Pure.

Each is told once for an invoice, by a row with a unique constraint (`reminders`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from app.domain.events import INVOICE, NOTICES, event_type

METADATA: Final = "reminders"
"""The metadata key at Stripe that holds the invoice's own channel."""
EARLIEST: Final = -60
LATEST: Final = 365
MOST: Final = 20
LATE: Final = timedelta(days=30)
"""How late something is told at most, so that old invoices are left alone where reminders are turned on."""
KEPT: Final = timedelta(days=2 * (LATEST - EARLIEST))
"""How long rows are kept. None is needed longer than from the first reminder to the last, and `LATE`."""

WILL_BE_DUE, OVERDUE, REMINDED = (event_type(INVOICE, None, "", named=name) for name in NOTICES)


class ReminderChannel(StrEnum):
    """How an invoice's payer is reminded: by the actions of the moment `reminder`, by the feed's event alone, or not."""

    MAIL = "mail"
    EVENT = "event"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is told of an invoice from `after` its due date on, until `until` after it; both may be negative.

    fact: true of any invoice that is still owed. All others are reminders, and are not sent if the payer need not be reminded.
    """

    type: str
    day: int
    after: timedelta
    until: timedelta
    fact: bool = False


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is told of an invoice, once. `day` counts from the due date; 0 for what is no reminder."""

    invoice: str
    type: str
    day: int
    channel: str | None = None


def days_of(text: str) -> tuple[int, ...]:
    """The days in `text`, such as `-3,0,7,14`, in order. Raises ValueError, which says what is wrong."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    try:
        days = sorted(int(part) for part in parts)
    except ValueError:
        raise ValueError("must list whole days before (-) and after the due date, such as -3,0,7,14") from None
    if any(not EARLIEST <= day <= LATEST for day in days):
        raise ValueError(f"may go from {EARLIEST} to {LATEST} days")
    if len(days) > MOST or len(set(days)) < len(days):
        raise ValueError(f"must list at most {MOST} days, each once")
    return tuple(days)


def plan(days: Iterable[int]) -> list[Planned]:
    """What is told when. Of the reminders of one invoice, only the newest is due at any time.

    A reminder before the due date is not sent after it.
    """
    ordered = sorted(days)
    zero = timedelta(0)
    found = [Planned(OVERDUE, 0, zero, LATE, fact=True)]
    if ordered and ordered[0] < 0:
        found.append(Planned(WILL_BE_DUE, 0, timedelta(days=ordered[0]), zero, fact=True))
    for day, following in pairwise([*ordered, None]):
        assert day is not None  # noqa: S101 -- only the last has none behind it
        after = timedelta(days=day)
        ends = [after + LATE, *([timedelta(days=following)] if following is not None else [])]
        ends += [zero] if day < 0 else []
        found.append(Planned(REMINDED, day, after, min(ends)))
    return found
