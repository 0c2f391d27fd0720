"""The order of snapshots: which of two snapshots of a Stripe object is newer. Pure.

Stripe delivers at least once, in any order, and its times are in whole seconds. A snapshot carries the span of seconds
in which it was true at Stripe. Two overlapping spans cannot be ordered; then Stripe must be asked for the object once.
What Stripe answers then counts, whatever the times and ranks say.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

AHEAD = timedelta(minutes=5)
"""An answer that is so much older than what is known was not overtaken: what is known is dated ahead of Stripe's clock."""


class Verdict(Enum):
    """What to do with an incoming snapshot."""

    APPLY = "apply"
    SAME = "same"
    STALE = "stale"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Version:
    """When a snapshot was taken, and what it holds.

    rank: the position in the order of statuses: an invoice's, or live before deleted for other objects. since, until:
    the first and the last second in which Stripe may have made it. digest: a hash of its content, by the fields of the
    first version. later: hashes of the fields added since, one for each version that its maker knew. first: it is the
    object's first state, so it is older than anything known. revision: how often the known snapshot changed here. over:
    the revision that was known before we asked Stripe for this snapshot; it is newer than that revision only, because
    something newer may have been applied while Stripe answered. asked: it is Stripe's answer to a call of ours, so its
    times are of Stripe's own clock. timeless: its object has a test clock, which dates the object's events, so the times
    of an answer cannot be compared with theirs.
    """

    rank: int
    since: datetime
    until: datetime
    digest: str
    later: tuple[str, ...] = ()
    first: bool = False
    revision: int = 0
    over: int | None = None
    asked: bool = False
    timeless: bool = False

    def same_content(self, other: "Version") -> bool:
        """Whether both have the same content, as far as both know its fields: another release may know more."""
        known = zip(self.later, other.later, strict=False)
        return self.digest == other.digest and all(one == another for one, another in known)


def judge(known: Version | None, incoming: Version) -> Verdict:  # noqa: PLR0911 -- one rule, a line per case
    """Compare an incoming snapshot with the one known; pure, total, and the same in whatever order both came."""
    if known is None:
        return Verdict.APPLY
    if incoming.rank > known.rank:
        reopened = incoming.until < known.since and incoming.over != known.revision  # and paid before that
        return Verdict.FETCH if reopened else Verdict.APPLY
    if incoming.rank == known.rank and incoming.same_content(known):
        return Verdict.SAME
    if incoming.over == known.revision:
        return Verdict.APPLY
    if incoming.timeless or (incoming.asked and known.since - incoming.until > AHEAD):
        return Verdict.FETCH
    if incoming.rank < known.rank:
        return Verdict.FETCH if incoming.since > known.until and not incoming.first else Verdict.STALE
    if incoming.first or incoming.until < known.since:
        return Verdict.STALE
    return Verdict.APPLY if incoming.since > known.until else Verdict.FETCH
