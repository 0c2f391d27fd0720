"""Whatever the order, the duplicates and the gaps: after quiescence our state is Stripe's, field by field."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from random import Random

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.fixtures.stage import Stage
from tests.lab.life import PATHS
from tests.lab.schedules import COUNTED, Lab, Schedule

schedules = st.builds(
    Schedule,
    paths=st.lists(st.sampled_from(sorted(PATHS)), min_size=1, max_size=5).map(tuple),
    burst=st.sampled_from([0.0, 0.7, 1.0]),
    talk=st.sampled_from([0.0, 0.3, 0.6]),
    drop=st.sampled_from([0.0, 0.2, 0.6]),
    copies=st.integers(1, 4),
)


@seed(int(os.environ.get("LAB_SEED", "20261101")))
@settings(settings.get_profile("lab"))
@given(schedule=schedules, dice=st.integers(0, 2**32))
async def test_every_schedule_converges(stage: Stage, schedule: Schedule, dice: int) -> None:
    await Lab(stage, Random(dice)).run(schedule)  # noqa: S311 -- reproducible dice


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_every_path_converges_backwards_and_in_one_second(stage: Stage, path: str) -> None:
    await Lab(stage, Random(path)).run(Schedule((path, path), burst=1.0, talk=0.0, drop=0.0))  # noqa: S311


def test_what_the_lab_did_is_told(record_property: Callable[[str, object], None]) -> None:
    """See it with `--junit-xml`, or in what `make lab` prints."""
    for name, value in asdict(COUNTED).items():
        record_property(name, value)
    assert COUNTED.schedules > 0 or "PYTEST_XDIST_WORKER" in os.environ
