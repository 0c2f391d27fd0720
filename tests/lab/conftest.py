"""The convergence lab: whatever the order, the duplicates, the gaps and the crashes, the state converges to Stripe's.

LAB_SCHEDULES   how many schedules hypothesis runs (`make lab` runs many; `make test` a few)
LAB_SEED        where its dice start
LAB_CHAOS_S     for how many seconds processes are killed
"""

import os

import pytest
from hypothesis import HealthCheck, settings

SCHEDULES = int(os.environ.get("LAB_SCHEDULES", "12"))
CHAOS_S = float(os.environ.get("LAB_CHAOS_S", "20"))

settings.register_profile(
    "lab",
    max_examples=SCHEDULES,
    deadline=None,
    derandomize="LAB_SEED" not in os.environ,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the lab did."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"lab: {name}: {value}")
