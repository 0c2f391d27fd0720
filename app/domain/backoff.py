"""How long to rest after failures: three times longer after each, within bounds, and spread by chance. Pure."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses of `first_s` seconds, then three times as long after each failure, `longest_s` at most.

    spread: by what a pause is multiplied, at least and at most, so that failures of one moment do not come back as one.
    """

    first_s: float
    longest_s: float
    spread: tuple[float, float] = (0.5, 1.0)

    def most_s(self, failures: int) -> float:
        """The seconds to rest after `failures` in a row, before chance has its say."""
        return min(self.first_s * 3.0 ** min(failures - 1, 20), self.longest_s)

    def pause(self, failures: int, dice: float | None = None) -> timedelta:
        """How long to rest after `failures` in a row; `dice` is between 0 and 1, thrown here where it is None."""
        shortest, longest = self.spread
        thrown = random.random() if dice is None else dice  # noqa: S311 -- no secret hangs on it
        return timedelta(seconds=self.most_s(failures) * (shortest + (longest - shortest) * thrown))
