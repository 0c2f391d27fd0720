"""What a payment means for us: the fulfillment's states, in whatever order Stripe's words come."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from app.domain.fulfillment import PAYABLE, Attempt, FulfillmentStatus, follow_attempt, follow_invoice

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
DECIDED = [status for status in FulfillmentStatus if status not in PAYABLE]


@pytest.mark.parametrize(
    ("invoice", "fulfillment"),
    [
        ("draft", None),
        ("open", "awaiting_payment"),
        ("paid", "fulfilled"),
        ("void", "canceled"),
        ("uncollectible", "written_off"),
    ],
)
def test_a_fulfillment_begins_as_its_invoice_stands(invoice: str, fulfillment: str | None) -> None:
    assert follow_invoice(None, invoice) == fulfillment


@pytest.mark.parametrize("invoice", ["draft", "open", "paid", "void", "uncollectible"])
def test_nothing_takes_a_fulfillment_back(invoice: str) -> None:
    assert follow_invoice("fulfilled", invoice) == "fulfilled"


@pytest.mark.parametrize("status", [status for status in FulfillmentStatus if status != "fulfilled"])
def test_a_paid_invoice_is_fulfilled_whatever_came_before(status: FulfillmentStatus) -> None:
    assert follow_invoice(status, "paid") == "fulfilled"


@pytest.mark.parametrize("status", sorted(PAYABLE))
def test_an_open_invoice_leaves_word_of_attempts_alone(status: FulfillmentStatus) -> None:
    assert follow_invoice(status, "open") == status


@pytest.mark.parametrize("status", FulfillmentStatus)
def test_a_draft_says_nothing(status: FulfillmentStatus) -> None:
    assert follow_invoice(status, "draft") == status


@pytest.mark.parametrize("attempt", Attempt)
def test_word_of_an_attempt_may_be_the_first_there_is(attempt: Attempt) -> None:
    assert follow_attempt(None, attempt, NOW, None) == attempt.value
    assert follow_attempt("awaiting_payment", attempt, NOW, None) == attempt.value


@pytest.mark.parametrize("status", DECIDED)
@pytest.mark.parametrize("attempt", Attempt)
def test_an_attempt_changes_nothing_that_is_decided(status: FulfillmentStatus, attempt: Attempt) -> None:
    assert follow_attempt(status, attempt, LATER, NOW) == status


def test_newer_word_counts_and_older_does_not() -> None:
    assert follow_attempt("processing", Attempt.FAILED, LATER, NOW) == "payment_failed"
    assert follow_attempt("processing", Attempt.FAILED, NOW, LATER) == "processing"


def test_two_words_of_one_second_that_differ_cannot_be_ordered() -> None:
    assert follow_attempt("processing", Attempt.FAILED, NOW, NOW) is None
    assert follow_attempt("payment_failed", Attempt.FAILED, NOW, NOW) == "payment_failed"


@pytest.mark.parametrize(
    "order", list(permutations([(Attempt.PROCESSING, 0), (Attempt.FAILED, 1), (Attempt.PROCESSING, 2)]))
)
def test_in_whatever_order_attempts_are_told_the_newest_stays(order: tuple[tuple[Attempt, int], ...]) -> None:
    status: str | None = "awaiting_payment"
    known_at: datetime | None = None
    for attempt, second in order:
        at = NOW + timedelta(seconds=second)
        status = follow_attempt(status, attempt, at, known_at)
        known_at = max(at, known_at or at)
    assert status == "processing"
