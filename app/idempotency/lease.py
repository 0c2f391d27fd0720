"""The end of an operation's lease, by this process's clock. A runner whose lease has ended must not act.

Where the system has such a clock, it also counts while the machine is suspended.
"""

import time
from datetime import timedelta

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds since this machine started."""
    return time.clock_gettime(_CLOCK)


def lease_end(lease: timedelta) -> float:
    """The end of a lease that is requested now. It is never later than PostgreSQL's."""
    return now() + lease.total_seconds()
