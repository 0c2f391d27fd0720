"""The order of snapshots: which of two snapshots of a Stripe object is newer. Pure.

Stripe delivers at least once, in any order, and its times are in whole seconds. A snapshot carries the span of seconds
in which it was true at Stripe. Two overlapping spans cannot be ordered; then Stripe must be asked for the object once.
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
    """When a snapshot was taken, and what it holds.

    rank: the position in the order of statuses: an invoice's, or live before deleted for other objects. since, until:
    the seconds between which Stripe made it, both inclusive. digest: a hash of its content, by the fields of the first
    version. later: hashes of the fields added since, one for each version that its maker knew. first: it is the
    object's first state, so it is older than anything known. revision: of the known snapshot, how often it changed
    here. over: of a snapshot that we asked for, the revision known before asking. It is newer than that revision only,
    because something newer may have been applied while Stripe answered.
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
        """Whether both have the same content, as far as both know its fields: another release may know more."""
        known = zip(self.later, other.later, strict=False)
        return self.digest == other.digest and all(one == another for one, another in known)


def judge(known: Version | None, incoming: Version) -> Verdict:
    """Compare an incoming snapshot with the known one. The result does not depend on the order in which they came."""
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
