"""Which days reminders have, and which of them is due when."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.domain.reminders import EARLIEST, LATE, LATEST, OVERDUE, REMINDED, WILL_BE_DUE, days_of, plan
from app.settings import Settings

DAY = timedelta(days=1)
DAYS = st.lists(st.integers(EARLIEST, LATEST), unique=True, max_size=20)


def due(days: tuple[int, ...], at: timedelta) -> list[tuple[str, int]]:
    return [(it.type, it.day) for it in plan(days) if it.after <= at < it.until]


@pytest.mark.parametrize(
    ("text", "days"), [("", ()), ("  ", ()), ("-3,0,7,14", (-3, 0, 7, 14)), ("14, 7 ,+1,-60", (-60, 1, 7, 14))]
)
def test_days_are_read_in_any_order(text: str, days: tuple[int, ...]) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("7;14", "whole days"),
        ("1.5", "whole days"),
        ("7,", "whole days"),
        ("monday", "whole days"),
        ("-61", "from -60 to 365"),
        ("366", "from -60 to 365"),
        ("7,7", "each once"),
        (",".join(map(str, range(21))), "at most 20"),
    ],
)
def test_what_is_no_list_of_days_is_refused_by_the_name_of_the_setting(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=rf"REMINDERS .*{why}"):
        Settings(
            _env_file=None,
            database_url="postgresql://localhost/x",
            stripe_secret_key="sk_test_1",
            stripe_webhook_secrets="whsec_1",
            reminders=text,
        )


def test_what_is_due_when() -> None:
    days = (-3, 0, 7)
    assert due(days, -4 * DAY) == []
    assert due(days, -3 * DAY) == [(WILL_BE_DUE, 0), (REMINDED, -3)]
    assert due(days, 0 * DAY) == [(OVERDUE, 0), (REMINDED, 0)]
    assert due(days, 6 * DAY) == [(OVERDUE, 0), (REMINDED, 0)]
    assert due(days, 7 * DAY) == [(OVERDUE, 0), (REMINDED, 7)]
    assert due(days, 36 * DAY) == [(REMINDED, 7)]
    assert due(days, 37 * DAY) == []
    assert due((), 0 * DAY) == [(OVERDUE, 0)]
    assert due((-3,), 0 * DAY) == [(OVERDUE, 0)]


@given(DAYS, st.integers(24 * (EARLIEST - 1), 24 * (LATEST + 40)))
def test_at_most_one_reminder_is_due_and_it_is_the_newest(days: list[int], hours: int) -> None:
    at = timedelta(hours=hours)
    reminders = [day for kind, day in due(tuple(days), at) if kind == REMINDED]
    newest = max((day for day in days if day * DAY <= at), default=None)
    if newest is not None and at < newest * DAY + LATE and (newest >= 0 or at < timedelta(0)):
        assert reminders == [newest]
    else:
        assert reminders == []
