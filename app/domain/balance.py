"""Compares the money that our rows tell of with Stripe's balance, object by object and day by day. Pure.

All amounts are minor units. What left the account counts as positive in `refunded` and `disputed`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Heading(StrEnum):
    """What an amount is. The names are the columns of the report."""

    PAID = "paid"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Movement:
    """Money of one object: a PaymentIntent that was paid, a refund, or a dispute (`id`)."""

    heading: Heading
    id: str
    day: date
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Beside:
    """What only one side knows. fees: Stripe's. credited: to customers' balances or out of band, by credit notes."""

    day: date
    currency: str
    fees: int = 0
    credited: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """An object whose amount is not the same here and at Stripe. An amount of 0 also stands for an unknown object."""

    heading: Heading
    id: str
    currency: str
    ours: int
    stripe: int


@dataclass(slots=True)
class Day:
    """One day, by UTC, in one currency. The amounts are Stripe's; `differences` say where ours are others.

    fees: Stripe's, less those it gave back. credited: by credit notes, without a refund; Stripe moves no money for it.
    """

    day: date
    currency: str
    paid: int = 0
    refunded: int = 0
    disputed: int = 0
    credited: int = 0
    fees: int = 0
    differences: list[Difference] = field(default_factory=list)

    def ours(self, heading: Heading) -> int:
        """The amount as our rows have it."""
        more = sum(one.ours - one.stripe for one in self.differences if one.heading is heading)
        return int(getattr(self, heading.value)) + more


def compare(
    ours: Iterable[Movement], stripes: Iterable[Movement], entries: Iterable[Movement], beside: Iterable[Beside]
) -> list[Day]:
    """The days on which money moved, in order.

    ours and stripes: each object once, with its amount as it is known now. entries: Stripe's balance transactions of
    the days to report, which may be several for one object, and negative where money came back.
    """
    days: dict[tuple[date, str], Day] = {}

    def day(at: date, currency: str) -> Day:
        return days.setdefault((at, currency), Day(at, currency))

    for entry in entries:
        found = day(entry.day, entry.currency)
        setattr(found, entry.heading.value, getattr(found, entry.heading.value) + entry.amount)
    for more in beside:
        found = day(more.day, more.currency)
        found.fees += more.fees
        found.credited += more.credited
    here = {(one.heading, one.id): one for one in ours}
    there = {(one.heading, one.id): one for one in stripes}
    for key in here.keys() | there.keys():
        mine, its = here.get(key), there.get(key)
        known = its or here[key]
        amounts = (mine.amount if mine else 0, its.amount if its else 0)
        currencies = {one.currency for one in (mine, its) if one}
        if amounts[0] != amounts[1] or len(currencies) > 1:
            day(known.day, known.currency).differences.append(Difference(*key, known.currency, *amounts))
    for found in days.values():
        found.differences.sort(key=lambda one: (one.heading, one.id))
    return [days[key] for key in sorted(days)]
