"""Judges clocks that differ."""

from datetime import timedelta

from app.cli.checks.findings import Finding, fail, ok, warn

NOTICED = timedelta(seconds=1)
COARSE = timedelta(seconds=3)
"""The tolerance for a clock that is read in whole seconds over a network."""
TOO_MUCH = timedelta(seconds=60)
"""A webhook's signature is valid for 300 s by our clock; this leaves time for its way."""


def skewed(check: str, ahead: timedelta, whose: str, *, precise: bool) -> Finding:
    """The finding for a clock that is `ahead` of this machine's. `whose` names it."""
    off = abs(ahead)
    says = f"{whose} is {off.total_seconds():.1f} s {'ahead of' if ahead > timedelta(0) else 'behind'} this machine's"
    advice = "Synchronise the clocks (chrony, systemd-timesyncd): signatures older than 300 s are refused."
    if off > TOO_MUCH:
        return fail(check, says, advice)
    if off > (NOTICED if precise else COARSE):
        return warn(check, says, advice)
    return ok(check, f"{whose} agrees with this machine's")
