"""When a lease on an operation ends, by this process's own clock: a runner that slept through it must not act any more.

The clock counts on while the machine is suspended, where the system has such a clock.
"""

import time
from datetime import timedelta

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds since this machine started."""
    return time.clock_gettime(_CLOCK)


def lease_end(lease: timedelta) -> float:
    """When a lease ends that PostgreSQL is asked for now: never later than PostgreSQL thinks."""
    return now() + lease.total_seconds()
