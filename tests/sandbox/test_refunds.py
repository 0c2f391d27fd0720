"""Refunds that end later: pending, failed, waiting for the customer, canceled; and what they do to the balance."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.process import RunningSandbox
from tests.sandbox.test_disputes import charged


def refunded(box: RunningSandbox, token: str, amount: int | None = None) -> stripe.Refund:
    terms: Any = {"charge": charged(box, token).id} | ({} if amount is None else {"amount": amount})
    return box.v1.refunds.create(terms)


def settle(box: RunningSandbox, refund: stripe.Refund, status: str, **more: str) -> stripe.Refund:
    box.control("POST", f"refunds/{refund.id}/settle", status=status, **more)
    return box.v1.refunds.retrieve(refund.id)


def charge_of(box: RunningSandbox, refund: stripe.Refund) -> stripe.Charge:
    return box.v1.charges.retrieve(str(refund.charge))


def test_a_pending_refund_succeeds_later(box: RunningSandbox) -> None:
    refund = refunded(box, "pm_card_pendingRefund")
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert charge_of(box, refund).refunded is True
    told = len(box.event_types())
    box.advance(60)
    after = box.v1.refunds.retrieve(refund.id)
    assert (after.status, getattr(after, "pending_reason", None)) == ("succeeded", None)
    assert box.event_types()[told:] == ["refund.updated", "charge.refund.updated"]
    (updated,) = box.v1.events.list({"type": "refund.updated"}).data
    assert updated.to_dict()["data"]["previous_attributes"]["status"] == "pending"


def test_a_refund_fails_later_and_its_money_returns(box: RunningSandbox) -> None:
    refund = refunded(box, "pm_card_refundFail", 700)
    assert refund.status == "succeeded"
    told = len(box.event_types())
    box.advance(60)
    after = box.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction", "balance_transaction"]})
    assert (after.status, after.failure_reason) == ("failed", "expired_or_canceled_card")
    taken, returned = after.balance_transaction, after.failure_balance_transaction
    assert isinstance(taken, stripe.BalanceTransaction)
    assert isinstance(returned, stripe.BalanceTransaction)
    assert [(it.type, it.amount, it.source) for it in (taken, returned)] == [
        ("refund", -700, refund.id),
        ("refund_failure", 700, refund.id),
    ]
    charge = charge_of(box, refund)
    assert (charge.refunded, charge.amount_refunded) == (False, 0)
    assert box.event_types()[told:] == ["refund.updated", "charge.refund.updated", "refund.failed", "charge.updated"]
    assert box.v1.refunds.create({"charge": charge.id}).amount == 2000


@pytest.mark.parametrize("token", ["pm_usBankAccount_success", "pm_success_de"])
def test_a_refund_to_a_bank_takes_its_time(box: RunningSandbox, token: str) -> None:
    kind = "us_bank_account" if "us" in token else "sepa_debit"
    currency = "usd" if "us" in token else "eur"
    intent = box.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": currency,
            "confirm": True,
            "return_url": "https://example.com/",
            "payment_method": token,
        }
    )
    box.advance(60)
    refund = box.v1.refunds.create({"payment_intent": intent.id, "expand": ["charge", "balance_transaction"]})
    assert refund.status == "pending"
    assert isinstance(refund.charge, stripe.Charge)
    assert refund.charge.payment_method_details is not None
    assert refund.charge.payment_method_details.type == kind
    assert isinstance(refund.balance_transaction, stripe.BalanceTransaction)
    assert refund.balance_transaction.type == "payment_refund"
    box.advance(60)
    assert box.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_refund_that_waits_for_the_customer_can_be_canceled(box: RunningSandbox) -> None:
    refund = refunded(box, "pm_card_pendingRefund")
    waiting = settle(box, refund, "requires_action")
    assert waiting.next_action is not None
    assert (waiting.status, waiting.next_action.type) == ("requires_action", "display_details")
    canceled = box.v1.refunds.cancel(refund.id)
    assert (canceled.status, canceled.failure_reason) == ("canceled", "merchant_request")
    assert charge_of(box, refund).amount_refunded == 0
    assert "refund.failed" not in box.event_types()
    with pytest.raises(stripe.InvalidRequestError, match="cannot cancel a refund with a status of canceled"):
        box.v1.refunds.cancel(refund.id)


def test_a_refund_that_nobody_acts_on_expires(box: RunningSandbox) -> None:
    refund = refunded(box, "pm_card_pendingRefund")
    with pytest.raises(stripe.InvalidRequestError, match="cannot expire"):
        box.v1.test_helpers.refunds.expire(refund.id)
    settle(box, refund, "requires_action")
    assert box.v1.test_helpers.refunds.expire(refund.id).status == "failed"
    assert "refund.failed" in box.event_types()


@pytest.mark.parametrize(
    ("token", "sent"),
    [
        ("pm_card_visa", {"status": "pending"}),
        ("pm_card_visa", {"status": "canceled"}),
        ("pm_card_visa", {"status": "failed", "failure_reason": "boredom"}),
        ("pm_card_visa", {}),
        ("pm_card_pendingRefund", {"status": "lost"}),
    ],
)
def test_a_control_call_that_does_not_follow_is_refused(box: RunningSandbox, token: str, sent: dict[str, str]) -> None:
    refund = refunded(box, token)
    assert box.http.post(f"/_sandbox/refunds/{refund.id}/settle", json=sent).status_code == 400
    assert box.v1.refunds.retrieve(refund.id).status == refund.status


def test_a_failed_refund_is_final(box: RunningSandbox) -> None:
    refund = refunded(box, "pm_card_visa")
    assert settle(box, refund, "failed", failure_reason="lost_or_stolen_card").failure_reason == "lost_or_stolen_card"
    for status in ("succeeded", "failed", "canceled"):
        assert box.http.post(f"/_sandbox/refunds/{refund.id}/settle", json={"status": status}).status_code == 400


def test_a_refund_whose_answer_was_lost_is_made_once(box: RunningSandbox) -> None:
    charge = charged(box, "pm_card_pendingRefund")
    box.fault("drop_response", "/v1/refunds", "POST", times=1)
    key = {"Idempotency-Key": "refund-1"}
    with pytest.raises(httpx.TransportError):
        box.post("/v1/refunds", f"charge={charge.id}&amount=500", **key)
    again = box.post("/v1/refunds", f"charge={charge.id}&amount=500", **key)
    assert again.headers["idempotent-replayed"] == "true"
    assert box.v1.charges.retrieve(charge.id).amount_refunded == 500


def test_a_refund_fails_also_after_a_killed_process(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state.sqlite3"))
    first = RunningSandbox(*state)
    refund = refunded(first, "pm_card_refundFail")
    first.stop(signal.SIGKILL)
    second = RunningSandbox(*state)
    second.advance(60)
    after = second.v1.refunds.retrieve(refund.id)
    second.stop()
    assert after.status == "failed"
