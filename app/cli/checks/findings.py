"""Owns what a check may find, and how checks are run: one after the other, none of them stops the others."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.container import Parts
from app.domain.errors import InvoicingError


class Level(StrEnum):
    """How bad it is: nothing to do, worth a look, must be mended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `advice`: what to do about it, where there is something."""

    check: str
    level: Level
    says: str
    advice: str | None = None


def ok(check: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Level.OK, says)


def warn(check: str, says: str, advice: str) -> Finding:
    """Worth a look."""
    return Finding(check, Level.WARN, says, advice)


def fail(check: str, says: str, advice: str) -> Finding:
    """Must be mended."""
    return Finding(check, Level.FAIL, says, advice)


Check = Callable[[Parts], AsyncIterator[Finding]]


async def examined(parts: Parts, checks: Sequence[tuple[str, Check]]) -> AsyncIterator[Finding]:
    """What each check finds. One that cannot be made to its end is a failure of its own, and the next is made."""
    for name, check in checks:
        try:
            async for finding in check(parts):
                yield finding
        except InvoicingError as error:
            yield fail(name, error.detail, "Mend that, then run this again: what follows from it is not known.")


def worst(findings: Sequence[Finding]) -> int:
    """The exit status: 0 all is well, 1 something is worth a look, 2 something must be mended."""
    levels = {finding.level for finding in findings}
    if Level.FAIL in levels:
        return 2
    return 1 if Level.WARN in levels else 0
