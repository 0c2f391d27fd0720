"""The virtual clock: real time plus an offset that only grows.

`billing.schedule` runs the work that becomes due.
"""

import time

from offline_stripe.store.database import Database


class Clock:
    """Seconds since the epoch by the sandbox's clock. The offset survives a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offset = float(database.meta("clock_offset", "0"))

    def now(self) -> float:
        return time.time() + self._offset

    @property
    def offset(self) -> float:
        return self._offset

    def move_to(self, moment: float) -> None:
        """Move forward to `moment`. An earlier moment changes nothing."""
        self._shift(self._offset + max(0.0, moment - self.now()))

    def read_again(self) -> None:
        """Take the offset that the database holds."""
        self._offset = float(self._database.meta("clock_offset", "0"))

    def reset(self) -> None:
        self._shift(0.0)

    def _shift(self, offset: float) -> None:
        self._offset = offset
        self._database.set_meta("clock_offset", repr(offset))
