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
    fetched: it was asked for after what is known was applied, so that it wins where times cannot tell.
    """

    rank: int
    since: datetime
    until: datetime
    digest: str
    first: bool = False
    fetched: bool = False


def judge(known: Version | None, incoming: Version) -> Verdict:
    """Compare an incoming snapshot with the one known; pure, total, and the same in whatever order both came."""
    if known is None:
        return Verdict.APPLY
    if incoming.rank != known.rank:
        return Verdict.APPLY if incoming.rank > known.rank else Verdict.STALE
    if incoming.digest == known.digest:
        return Verdict.SAME
    if incoming.first or incoming.until < known.since:
        return Verdict.STALE
    if incoming.since > known.until or incoming.fetched:
        return Verdict.APPLY
    return Verdict.FETCH
