"""The order of snapshots: which of two pictures of one Stripe object is the newer. Pure.

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
    digest: a hash of the content that matters, by the fields of the first version.
    later: hashes of the fields that came after it, one for each version that whoever made this knew.
    first: it is the object's very first state, so that it is older than anything known.
    revision: of what is known, how often it changed here.
    over: of what was asked for, the revision that was known before asking: it is newer than that one, and only
    than that one, because while Stripe answered somebody else may have applied something newer still.
    """

    rank: int
    since: datetime
    until: datetime
    digest: str
    later: tuple[str, ...] = ()
    first: bool = False
    revision: int = 0
    over: int | None = None

    def same_content(self, other: "Version") -> bool:
        """Whether both are of the same content, as far as both know of it: another release may know more fields."""
        known = zip(self.later, other.later, strict=False)
        return self.digest == other.digest and all(one == another for one, another in known)


def judge(known: Version | None, incoming: Version) -> Verdict:
    """Compare an incoming snapshot with the one known; pure, total, and the same in whatever order both came."""
    if known is None:
        return Verdict.APPLY
    if incoming.rank != known.rank:
        return Verdict.APPLY if incoming.rank > known.rank else Verdict.STALE
    if incoming.same_content(known):
        return Verdict.SAME
    if incoming.over == known.revision:
        return Verdict.APPLY
    if incoming.first or incoming.until < known.since:
        return Verdict.STALE
    return Verdict.APPLY if incoming.since > known.until else Verdict.FETCH
