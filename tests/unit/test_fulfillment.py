from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from app.domain.fulfillment import Attempt, AttemptReport, FulfillmentStatus, follow, later

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
        ("fulfilled", "void", None, "fulfilled"),
        ("fulfilled", "open", "payment_failed", "fulfilled"),
    ],
)
def test_a_fulfillment_follows_its_invoice_and_between_them_the_attempts(
    current: str | None, invoice: str, attempt: str | None, becomes: str | None
) -> None:
    assert follow(current, invoice, attempt) == (FulfillmentStatus(becomes) if becomes else None)


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
