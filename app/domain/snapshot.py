"""Owns the order of snapshots: which of two pictures of one Stripe object is the newer.

Stripe delivers at least once and in any order, and its times have a resolution of one second. A snapshot
carries the span of seconds in which it was true at Stripe; two spans that overlap cannot be ordered, and
then the object itself must be asked for once.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Verdict(Enum):
    """What to do with an incoming snapshot."""

    APPLY = "apply"
    SAME = "same"
    STALE = "stale"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Version:
    """When and how far along a snapshot was taken.

    rank: position in the object's lattice (an invoice's status; live before deleted for the others).
    since, until: the seconds between which Stripe made it, both inclusive.
    digest: a hash of the content that matters.
    first: it is the object's very first state, so that it is older than anything known.
    revision: of what is known, how often it changed here.
    over: of what was asked for, the revision that was known before asking: it is newer than that one, and only
    than that one, because while Stripe answered somebody else may have applied something newer still.
    """

    rank: int
    since: datetime
    until: datetime
    digest: str
    first: bool = False
    revision: int = 0
    over: int | None = None


def judge(known: Version | None, incoming: Version) -> Verdict:
    """Compare an incoming snapshot with the one known; pure, total, and the same in whatever order both came."""
    if known is None:
        return Verdict.APPLY
    if incoming.rank != known.rank:
        return Verdict.APPLY if incoming.rank > known.rank else Verdict.STALE
    if incoming.digest == known.digest:
        return Verdict.SAME
    if incoming.over == known.revision:
        return Verdict.APPLY
    if incoming.first or incoming.until < known.since:
        return Verdict.STALE
    return Verdict.APPLY if incoming.since > known.until else Verdict.FETCH
