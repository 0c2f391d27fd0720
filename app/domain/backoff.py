"""Backoff with jitter: pauses triple after each failure, up to a limit. Pure."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses of `first_s` seconds, three times as long after each failure, at most `longest_s`.

    `spread` is the smallest and largest factor of the jitter. It keeps failures of one moment from returning together.
    """

    first_s: float
    longest_s: float
    spread: tuple[float, float] = (0.5, 1.0)

    def most_s(self, failures: int) -> float:
        """The seconds to rest after `failures` in a row, without jitter."""
        return min(self.first_s * 3.0 ** min(failures - 1, 20), self.longest_s)

    def pause(self, failures: int, dice: float | None = None) -> timedelta:
        """The pause after `failures` in a row. `dice`, between 0 and 1, sets the jitter; None draws it at random."""
        shortest, longest = self.spread
        thrown = random.random() if dice is None else dice  # noqa: S311 -- no secret hangs on it
        return timedelta(seconds=self.most_s(failures) * (shortest + (longest - shortest) * thrown))
