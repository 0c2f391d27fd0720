"""What came back of a payment, and what that makes of the fulfillment: each row of the table in docs/contributing/lifecycle.md."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fulfillment import Attempt, FulfillmentStatus, Payment, follow
from app.domain.policy import DEFAULT, FulfillOn, Policy
from app.domain.returns import CreditNote, Dispute, Refund, Returned, read, returned, worth

PAID = 1000


def status_after(
    *objects: Refund | CreditNote | Dispute, policy: Policy = DEFAULT, current: str = "fulfilled"
) -> str | None:
    return follow(current, "paid", Payment(Attempt.PAID, "payment", PAID, sums(*objects), policy))


def sums(*objects: Refund | CreditNote | Dispute) -> Returned:
    return returned(
        [it for it in objects if isinstance(it, Refund)],
        [it for it in objects if isinstance(it, CreditNote)],
        [it for it in objects if isinstance(it, Dispute)],
    )


@pytest.mark.parametrize("status", ["succeeded", "pending", "requires_action"])
def test_a_refund_counts_while_it_has_not_failed(status: str) -> None:
    assert status_after(Refund("re_1", 400, status)) == "fulfilled"
    assert status_after(Refund("re_1", 1000, status)) == "reversed"
    assert sums(Refund("re_1", 400, status)) == Returned(refunded=400)


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_failed_reinstates(status: str) -> None:
    assert status_after(Refund("re_1", 1000, status), current="reversed") == "fulfilled"
    assert sums(Refund("re_1", 1000, status)) == Returned()


@pytest.mark.parametrize(("amount", "becomes"), [(400, "fulfilled"), (1000, "reversed")])
def test_a_credit_note_after_payment_counts_as_a_refund_by_its_amount(amount: int, becomes: str) -> None:
    out_of_band = CreditNote(amount, "issued")
    assert status_after(out_of_band) == becomes
    assert sums(out_of_band) == Returned(credited=amount)
    assert sums(CreditNote(amount, "void")) == Returned()


def test_a_refund_that_a_credit_note_made_is_the_credit_notes() -> None:
    note = CreditNote(700, "issued", {"re_1": 500})
    assert sums(note, Refund("re_1", 500, "succeeded")) == Returned(credited=700)
    assert sums(note, Refund("re_1", 500, "failed")) == Returned(credited=200)
    assert sums(note, Refund("re_1", 600, "pending")) == Returned(refunded=100, credited=700)
    assert sums(note, Refund("re_2", 100, "succeeded")) == Returned(refunded=100, credited=700)


def test_a_credit_note_over_all_before_payment_cancels() -> None:
    assert follow("awaiting_payment", "paid", Payment(settled_by="credit_note", worth=PAID)) == "canceled"
    assert follow("reversed", "paid", Payment(settled_by="credit_note", worth=PAID)) == "reversed"


@pytest.mark.parametrize(
    ("status", "becomes", "disputed"),
    [
        ("warning_needs_response", "fulfilled", 0),
        ("warning_closed", "fulfilled", 0),
        ("needs_response", "disputed", 1000),
        ("under_review", "disputed", 1000),
        ("appeal_needs_response", "disputed", 1000),
        ("appeal_under_review", "disputed", 1000),
        ("won", "fulfilled", 0),
        ("lost", "reversed", 1000),
    ],
)
def test_a_dispute_holds_until_it_is_decided(status: str, becomes: str, disputed: int) -> None:
    assert status_after(Dispute(1000, status)) == becomes
    assert status_after(Dispute(1000, status), current="disputed") == becomes
    assert sums(Dispute(1000, status)).disputed == disputed


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        ("prevented", "reversed"),
        ("a_status_that_is_new_at_stripe", "disputed"),
    ],
)
def test_of_other_disputes_the_balance_says_whether_the_money_is_gone(status: str, becomes: str) -> None:
    for current in ("fulfilled", "disputed", "reversed"):
        assert status_after(Dispute(1000, status, withdrawn=True), current=current) == becomes
        assert status_after(Dispute(1000, status), current=current) == "fulfilled"
    assert status_after(Dispute(1000, "won", withdrawn=True)) == "fulfilled"  # the money is on its way


def test_a_dispute_in_another_currency_is_over_all_of_the_invoice() -> None:
    invoice = {"currency": "usd", "amount_due": 1000}
    dispute = {"amount": 150_000, "currency": "jpy", "status": "needs_response", "withdrawn": True}
    dispute |= {"payment_intent": "pi_1"}
    assert read(invoice, [], [], [dispute]) == Returned(disputed=1000, undecided=1000)
    assert read(invoice, [], [], [dispute | {"currency": "usd", "amount": 300}]).disputed == 300


def test_what_came_back_of_a_payment_that_was_detached_is_not_the_invoices() -> None:
    invoice = {"currency": "usd", "amount_due": 1000}
    refunds = [
        {"id": f"re_{it}", "amount": it, "status": "succeeded", "payment_intent": f"pi_{it}"} for it in (700, 30)
    ]
    dispute = {
        "amount": 200,
        "currency": "usd",
        "status": "needs_response",
        "withdrawn": True,
        "payment_intent": "pi_700",
    }
    found = read(invoice, refunds, [], [dispute], detached={"pi_700"})
    assert (found, found.to_answer) == (Returned(refunded=30), 1)
    assert read(invoice, refunds, [], [dispute]) == Returned(refunded=730, disputed=200, undecided=200)


@pytest.mark.parametrize(
    ("came_back", "of_the_invoice"),
    [
        (Returned(refunded=1000), Returned()),
        (Returned(refunded=1300), Returned(refunded=300)),
        (Returned(credited=1000), Returned(credited=1000)),
        (Returned(disputed=1000, undecided=1000), Returned()),
        (Returned(400, 50, 1000, 1000), Returned(0, 50, 400, 400)),
        (Returned(disputed=1200, undecided=200), Returned(disputed=200, undecided=200)),
    ],
)
def test_what_nobody_owed_comes_back_before_the_invoices_own_money(
    came_back: Returned, of_the_invoice: Returned
) -> None:
    assert came_back.beyond(1000) == of_the_invoice
    assert came_back.beyond(0) == came_back


@pytest.mark.parametrize(
    ("status", "amounts", "expected"),
    [
        ("paid", {"amount_paid": 700, "amount_due": 1000}, 700),
        ("paid", {"amount_paid": 1400, "amount_due": 1000, "amount_overpaid": 400}, 1000),
        ("paid", {"amount_paid": 0, "amount_due": 0}, 1000),  # the customer's balance paid it
        ("paid", {"amount_paid": 0, "amount_due": 0, "pre_payment_credit_notes_amount": 600}, 400),
        ("paid", {"amount_paid": 300, "amount_due": 1000, "paid_out_of_band": True}, 1000),
        ("open", {"amount_paid": 300, "amount_due": 1000}, 1000),  # the rest is under way
        ("paid", {"amount_paid": 0, "amount_due": 0, "total": -5}, 0),
    ],
)
def test_a_return_is_measured_by_what_was_paid_or_is_under_way(
    status: str, amounts: dict[str, Any], expected: int
) -> None:
    assert worth({"status": status, "total": 1000, "paid_out_of_band": False, **amounts}) == expected


def test_a_dispute_over_a_part_that_is_lost_leaves_the_rest() -> None:
    assert status_after(Dispute(300, "needs_response")) == "disputed"
    assert status_after(Dispute(300, "lost"), current="disputed") == "fulfilled"
    assert status_after(Dispute(300, "lost"), Refund("re_1", 700, "succeeded")) == "reversed"


def test_a_dispute_may_leave_it_fulfilled_until_it_is_decided() -> None:
    lenient = Policy(hold_on_dispute=False)
    assert status_after(Dispute(1000, "needs_response"), policy=lenient) == "fulfilled"
    assert status_after(Dispute(1000, "lost"), policy=lenient) == "reversed"


def test_a_payment_that_is_detached_reverses_and_another_one_reinstates() -> None:
    assert follow("fulfilled", "open", Payment(Attempt.PAID, worth=PAID)) == "reversed"
    assert follow("reversed", "paid", Payment(Attempt.PAID, worth=PAID)) == "fulfilled"


@pytest.mark.parametrize(
    ("partial", "came_back", "becomes"),
    [
        ("never", 999, "fulfilled"),
        ("always", 1, "reversed"),
        ("above 50", 500, "fulfilled"),
        ("above 50", 501, "reversed"),
        ("above 0", 1, "reversed"),
    ],
)
def test_what_a_return_of_a_part_does_is_the_policys(partial: str, came_back: int, becomes: str) -> None:
    assert status_after(Refund("re_1", came_back, "succeeded"), policy=Policy(reverse_on_partial=partial)) == becomes


@pytest.mark.parametrize(
    "partial", ["", "sometimes", "above", "above 100", "above -1", "above 05", "ABOVE 5", "above 5%"]
)
def test_a_policy_that_is_none_is_refused(partial: str) -> None:
    with pytest.raises(ValueError, match="reverse_on_partial must be"):
        Policy(reverse_on_partial=partial)


def test_a_policy_may_fulfill_before_settlement_and_a_failure_reverses() -> None:
    early = Policy(fulfill_on=FulfillOn.PROCESSING)

    def after(current: str | None, invoice: str, attempt: Attempt | None) -> FulfillmentStatus | None:
        return follow(current, invoice, Payment(attempt, worth=PAID, policy=early))

    assert after("awaiting_payment", "open", Attempt.PROCESSING) == "fulfilled"
    assert after("fulfilled", "paid", Attempt.PROCESSING) == "fulfilled"
    assert after("fulfilled", "open", Attempt.PAID) == "fulfilled"  # a part was paid meanwhile
    assert after("disputed", "open", Attempt.PAID) == "fulfilled"  # and a dispute over it was won
    assert after("fulfilled", "open", Attempt.FAILED) == "reversed"
    assert after("reversed", "open", Attempt.PROCESSING) == "fulfilled"
    assert after("awaiting_payment", "open", Attempt.FAILED) == "payment_failed"
    assert after("fulfilled", "void", Attempt.PROCESSING) == "reversed"
    for attempt, becomes in ((Attempt.PAID, "reversed"), (Attempt.PROCESSING, "fulfilled")):
        detached = Payment(attempt, worth=PAID, policy=early, detached=True)
        assert follow("fulfilled", "open", detached) == becomes


def test_nothing_that_was_paid_for_nothing_is_reversed() -> None:
    assert follow("fulfilled", "paid", Payment(settled_by="nothing_due", worth=0)) == "fulfilled"


amounts = st.integers(1, 2000)
refunds = st.builds(
    Refund, st.sampled_from(["re_1", "re_2"]), amounts, st.sampled_from(["pending", "succeeded", "failed"])
)
notes = st.builds(
    CreditNote,
    amounts,
    st.sampled_from(["issued", "void"]),
    st.dictionaries(st.sampled_from(["re_1", "re_2"]), amounts),
)
disputes = st.builds(Dispute, amounts, st.sampled_from(["needs_response", "won", "lost", "warning_closed"]))


@given(st.lists(refunds, unique_by=lambda it: it.id), st.lists(notes, max_size=3), st.lists(disputes, max_size=3))
def test_the_sums_are_the_same_in_whatever_order(
    some: list[Refund], noted: list[CreditNote], held: list[Dispute]
) -> None:
    found = returned(some, noted, held)
    assert found.undecided <= found.disputed
    assert min(found.refunded, found.credited, found.disputed, found.undecided) >= 0
    for order in permutations(noted):
        assert returned(reversed(some), order, reversed(held)) == found


@given(
    st.sampled_from([None, *FulfillmentStatus]), st.sampled_from(["open", "paid", "void", "uncollectible"]),
    st.sampled_from([None, *Attempt]), st.builds(Returned, amounts, amounts, st.just(0), st.just(0)),
)  # fmt: skip
def test_what_was_fulfilled_once_stays_so(current: Any, invoice: str, attempt: Any, came_back: Returned) -> None:
    became = follow(current, invoice, Payment(attempt, "payment", PAID, came_back))
    begun = {"fulfilled", "disputed", "reversed"}
    assert became in begun or current not in begun
    assert follow(became, invoice, Payment(attempt, "payment", PAID, came_back)) == became
