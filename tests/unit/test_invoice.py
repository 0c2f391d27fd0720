"""The invoice's state machine: what is allowed from where, and that a status only moves forward."""

from itertools import permutations, product

import pytest

from app.domain.errors import InvalidState
from app.domain.invoice import RANK, TRANSITIONS, Act, InvoiceStatus, advance, allowed_acts, require

MONEY = {"attach_payment", "refund", "credit", "update_payment_intent"}
STRIPES_TABLE = {
    "draft": {"update", "change_collection", "delete", "edit_items", "finalize", "send", "pay"},
    "open": {
        "change_collection",
        "send",
        "pay",
        "void",
        "mark_uncollectible",
        "client_secret",
        "payment_link",
        "revise",
        *MONEY,
    },
    "uncollectible": {"pay", "void", "revise", *MONEY},
    "paid": {"refund", "credit", "update_payment_intent"},
    "void": set[str](),
}


@pytest.mark.parametrize("status", InvoiceStatus)
def test_the_acts_allowed_from_a_status_are_stripes(status: InvoiceStatus) -> None:
    assert set(allowed_acts(status)) == STRIPES_TABLE[status]


def test_every_act_has_its_statuses() -> None:
    assert set(TRANSITIONS) == set(Act)


@pytest.mark.parametrize(("act", "status"), list(product(Act, InvoiceStatus)))
def test_an_act_is_refused_exactly_where_it_is_not_allowed(act: Act, status: InvoiceStatus) -> None:
    if act.value in STRIPES_TABLE[status]:
        require(act, status)
        return
    with pytest.raises(InvalidState) as refusal:
        require(act, status)
    assert refusal.value.extra == {"invoice_status": status, "allowed": allowed_acts(status)}
    assert status.value in refusal.value.detail
    assert act.value in refusal.value.detail


def test_what_is_not_allowed_from_the_end_says_that_nothing_is() -> None:
    with pytest.raises(InvalidState, match="Allowed from void: nothing"):
        require(Act.PAY, "void")


def test_a_status_that_stripe_does_not_have_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="deleted"):
        require(Act.PAY, "deleted")


@pytest.mark.parametrize("status", InvoiceStatus)
def test_the_first_snapshot_says_the_status(status: InvoiceStatus) -> None:
    assert advance(None, status) is status


@pytest.mark.parametrize(("known", "said"), list(permutations(InvoiceStatus, 2)))
def test_a_status_never_moves_back(known: InvoiceStatus, said: InvoiceStatus) -> None:
    assert advance(known, said) is (said if RANK[said] >= RANK[known] else known)


@pytest.mark.parametrize("order", list(permutations(["draft", "open", "uncollectible", "paid"])))
def test_in_whatever_order_the_statuses_come_the_last_stage_stays(order: tuple[str, ...]) -> None:
    status: str | None = None
    for said in order:
        status = advance(status, said)
    assert status == "paid"
