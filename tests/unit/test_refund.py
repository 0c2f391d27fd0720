"""How much of an invoice's payments may be refunded, and of which."""

import pytest

from app.domain.errors import (
    InvoiceBusy,
    InvoicingError,
    NothingToRefund,
    PaymentDisputed,
    RefundTooLarge,
    ValidationFailed,
)
from app.domain.refund import Part, Payment, plan

NEWER, OLDER = Payment("pi_2", 3000), Payment("pi_1", 2000)


def parts(
    *payments: Payment, amount: int | None = None, named: str | None = None, **less: int
) -> list[tuple[str, int]]:
    return [(part.payment_intent, part.amount) for part in plan(payments, amount, named, "usd", **less)]


def test_all_that_is_left_is_refunded_newest_payment_first() -> None:
    assert parts(NEWER, OLDER) == [("pi_2", 3000), ("pi_1", 2000)]


def test_an_amount_is_taken_of_the_newest_payments() -> None:
    assert parts(NEWER, OLDER, amount=3500) == [("pi_2", 3000), ("pi_1", 500)]
    assert parts(NEWER, OLDER, amount=100) == [("pi_2", 100)]


def test_the_named_payment_alone_is_refunded() -> None:
    assert parts(NEWER, OLDER, named="pi_1") == [("pi_1", 2000)]


def test_what_was_refunded_is_not_refunded_again() -> None:
    assert parts(Payment("pi_2", 3000, refunded=2500), OLDER) == [("pi_2", 500), ("pi_1", 2000)]


def test_what_credit_notes_gave_back_otherwise_is_not_left() -> None:
    assert parts(NEWER, OLDER, credited=4000) == [("pi_2", 1000)]


@pytest.mark.parametrize(
    ("payments", "asked", "error", "refundable"),
    [
        ([], {}, NothingToRefund, 0),
        ([Payment("pi_1", 2000, refunded=2000)], {}, NothingToRefund, 0),
        ([OLDER], {"amount": 2001}, RefundTooLarge, 2000),
        ([NEWER, OLDER], {"amount": 2001, "named": "pi_1"}, RefundTooLarge, 2000),
        ([NEWER], {"amount": 2001, "credited": 1000}, RefundTooLarge, 2000),
        ([Payment("pi_1", 2000, disputed=2000)], {}, PaymentDisputed, 0),
        ([Payment("pi_1", 2000, disputed=500)], {"amount": 2000}, PaymentDisputed, 1500),
        ([OLDER], {"named": "pi_9"}, ValidationFailed, None),
    ],
)
def test_what_cannot_be_refunded_is_refused_by_name(
    payments: list[Payment], asked: dict[str, int], error: type[InvoicingError], refundable: int | None
) -> None:
    with pytest.raises(error) as refused:
        parts(*payments, **asked)  # type: ignore[arg-type]
    assert type(refused.value) is error
    assert refused.value.extra.get("refundable") == refundable


@pytest.mark.parametrize(
    ("payment", "reserved"), [(Payment("pi_1", 2000, reserved=1500), 0), (Payment("pi_1", 2000), 1500)]
)
def test_what_requests_under_way_may_take_is_no_refusal_for_good(payment: Payment, reserved: int) -> None:
    assert parts(payment, amount=500, reserved=reserved) == [("pi_1", 500)]
    with pytest.raises(InvoiceBusy):
        parts(payment, amount=501, reserved=reserved)


def test_a_part_says_what_one_call_refunds() -> None:
    assert plan([OLDER], 5, None, "usd") == [Part("pi_1", 5)]
