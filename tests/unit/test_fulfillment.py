from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from app.domain.fulfillment import Attempt, AttemptReport, FulfillmentStatus, Payment, follow, later, read, stored

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("current", "invoice", "attempt", "becomes"),
    [
        (None, "draft", None, None),
        (None, "open", None, "awaiting_payment"),
        ("awaiting_payment", "open", "processing", "processing"),
        ("processing", "open", "payment_failed", "payment_failed"),
        ("payment_failed", "paid", "payment_failed", "fulfilled"),
        ("processing", "void", "processing", "canceled"),
        (None, "uncollectible", None, "written_off"),
        ("written_off", "paid", None, "fulfilled"),
        ("awaiting_payment", "open", "action_required", "action_required"),
        ("action_required", "open", "processing", "processing"),
        ("action_required", "paid", "action_required", "fulfilled"),
        ("fulfilled", "void", None, "reversed"),  # the payment was detached before
        ("fulfilled", "open", "payment_failed", "reversed"),
        ("reversed", "open", "processing", "reversed"),
        ("reversed", "paid", None, "fulfilled"),
        ("reversed", "void", None, "reversed"),
    ],
)
def test_a_fulfillment_follows_its_invoice_and_between_them_the_attempts(
    current: str | None, invoice: str, attempt: str | None, becomes: str | None
) -> None:
    payment = Payment(Attempt(attempt) if attempt else None, worth=1000)
    assert follow(current, invoice, payment) == (FulfillmentStatus(becomes) if becomes else None)


def test_the_last_word_is_the_same_in_whatever_order_words_come() -> None:
    words = [
        AttemptReport(Attempt.FAILED, NOON),
        AttemptReport(Attempt.PROCESSING, NOON + timedelta(seconds=1)),
        AttemptReport(Attempt.FAILED, NOON + timedelta(seconds=2)),
    ]
    for order in permutations(words):
        known: AttemptReport | None = None
        for word in order:
            known = later(known, word)
        assert known == words[-1]


def test_words_of_one_second_that_contradict_each_other_are_not_guessed_at() -> None:
    assert later(AttemptReport(Attempt.FAILED, NOON), AttemptReport(Attempt.PROCESSING, NOON)) is None


@pytest.mark.parametrize("status", FulfillmentStatus)
@pytest.mark.parametrize("attempt", [None, *Attempt])
def test_what_a_row_holds_is_what_was_stored(status: FulfillmentStatus, attempt: Attempt | None) -> None:
    at = NOON.isoformat() if attempt else None
    known: Any = {"status": status.value, "attempt": attempt.value if attempt else None, "attempt_at": at}
    assert read({"action_required_at": None} | stored(known)) == known


def test_the_release_before_reads_words_that_it_knows() -> None:
    known = {"awaiting_payment", "processing", "payment_failed", "fulfilled", "canceled", "written_off"}
    for status in FulfillmentStatus:
        waiting: Any = {"status": status, "attempt": "action_required", "attempt_at": NOON.isoformat()}
        row = stored(waiting)
        assert row["status"] in known
        assert row["attempt"] in {"processing", "payment_failed", "paid"}
