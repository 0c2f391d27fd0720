"""The findings of checks, and their runner: checks run one by one, and a failing one does not stop the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from app.domain.errors import InvoicingError

if TYPE_CHECKING:
    from app.container import Container


class Level(StrEnum):
    """The level of a finding: nothing to do, worth a look, must be corrected."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and in `advice` what to do about it."""

    check: str
    level: Level
    says: str
    advice: str | None = None


def ok(check: str, says: str) -> Finding:
    """A finding with nothing to do."""
    return Finding(check, Level.OK, says)


def warn(check: str, says: str, advice: str) -> Finding:
    """A finding worth a look."""
    return Finding(check, Level.WARN, says, advice)


def fail(check: str, says: str, advice: str) -> Finding:
    """A finding that must be corrected."""
    return Finding(check, Level.FAIL, says, advice)


Check: TypeAlias = "Callable[[Container], AsyncIterator[Finding]]"


async def examined(container: Container, checks: Sequence[tuple[str, Check]]) -> AsyncIterator[Finding]:
    """The findings of all checks. A check that raises is itself a failure, and the next one runs."""
    import asyncpg

    from app.cli.errors import away, wrong_database

    for name, check in checks:
        try:
            async for finding in check(container):
                yield finding
        except (InvoicingError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            named = error.detail if isinstance(error, InvoicingError) else f"{type(error).__name__}: {error}"
            says = wrong_database(error) or away(error) or named
            yield fail(name, says, "Correct that, then run this again: what follows from it is not known.")


def worst(findings: Sequence[Finding]) -> Level:
    return max((finding.level for finding in findings), key=list(Level).index)
