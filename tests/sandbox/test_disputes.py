"""Disputes: how the test cards open them, what evidence leads to, the money they move, and early fraud warnings."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox

DAY = 86_400


def charged(box: RunningSandbox, token: str, amount: int = 2000) -> stripe.Charge:
    """The charge of a payment with this test payment method."""
    intent = box.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "confirm": True,
            "return_url": "https://example.com/",
            "payment_method": token,
        }
    )
    return box.v1.charges.retrieve(str(intent.latest_charge))


def dispute_of(box: RunningSandbox, charge: stripe.Charge) -> stripe.Dispute:
    (found,) = box.v1.disputes.list({"charge": charge.id}).data
    return found


def disputed(box: RunningSandbox, token: str = "pm_card_createDispute", amount: int = 2000) -> stripe.Dispute:
    return dispute_of(box, charged(box, token, amount))


def answered(box: RunningSandbox, dispute: str, text: str) -> stripe.Dispute:
    return box.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": text}})


CARDS = [
    ("pm_card_createDispute", "fraudulent", "needs_response", "chargeback", "10.4"),
    ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response", "chargeback", "13.1"),
    ("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response", "inquiry", "10"),
]


@pytest.mark.parametrize(("token", "reason", "status", "case", "code"), CARDS)
def test_each_test_card_opens_its_dispute(
    box: RunningSandbox, token: str, reason: str, status: str, case: str, code: str
) -> None:
    charge = charged(box, token)
    assert (charge.paid, charge.disputed) == (True, True)
    dispute = dispute_of(box, charge)
    assert (dispute.reason, dispute.status, dispute.amount) == (reason, status, 2000)
    assert (dispute.charge, dispute.payment_intent) == (charge.id, charge.payment_intent)
    assert dispute.payment_method_details is not None
    card = dispute.payment_method_details.card
    assert card is not None
    assert (card.brand, card.case_type, card.network_reason_code) == ("visa", case, code)
    assert dispute.is_charge_refundable is (case == "inquiry")
    due_by = dispute.evidence_details.due_by
    assert due_by is not None
    assert (due_by + 1) % DAY == 0
    assert 8 * DAY <= due_by - dispute.created < 9 * DAY


def test_a_chargeback_withdraws_the_money_with_a_fee(box: RunningSandbox) -> None:
    dispute = disputed(box)
    (entry,) = dispute.balance_transactions
    assert (entry.type, entry.reporting_category, entry.source) == ("adjustment", "dispute", dispute.id)
    assert (entry.amount, entry.fee, entry.net) == (-2000, 1500, -3500)
    assert [(detail.type, detail.description) for detail in entry.fee_details] == [("stripe_fee", "Dispute fee")]


def test_a_dispute_is_told_between_the_charge_and_the_payment(box: RunningSandbox) -> None:
    disputed(box)
    assert box.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
        "charge.updated",
    ]


def test_an_invoice_stays_paid_when_its_payment_is_disputed(box: RunningSandbox, opened: Drafting) -> None:
    invoice = box.v1.invoices.pay(opened(1000).id, {"payment_method": "pm_card_createDispute"})
    assert (invoice.status, invoice.amount_paid) == ("paid", 1000)
    assert box.v1.disputes.list().data[0].amount == 1000


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_evidence_is_reviewed_then_decided(box: RunningSandbox, outcome: str) -> None:
    dispute = disputed(box)
    told = len(box.event_types())
    text = {"won": "winning_evidence", "lost": "losing_evidence"}[outcome]
    sent = answered(box, dispute.id, text)
    assert (sent.status, sent.evidence.uncategorized_text) == ("under_review", text)
    assert (sent.evidence_details.has_evidence, sent.evidence_details.submission_count) == (True, 1)
    box.advance(60)
    after = box.v1.disputes.retrieve(dispute.id)
    assert after.status == outcome
    assert after.is_charge_refundable is (outcome == "won")
    money = [(entry.reporting_category, entry.amount, entry.fee) for entry in after.balance_transactions]
    withdrawn, reinstated = ("dispute", -2000, 1500), ("dispute_reversal", 2000, 0)
    assert money == ([withdrawn, reinstated] if outcome == "won" else [withdrawn])
    back = ["charge.dispute.funds_reinstated"] if outcome == "won" else []
    assert box.event_types()[told:] == ["charge.dispute.updated", *back, "charge.dispute.closed"]


def test_a_decided_dispute_is_closed_for_good(box: RunningSandbox) -> None:
    dispute = disputed(box)
    assert box.v1.disputes.close(dispute.id).status == "lost"
    assert box.event_types()[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        box.v1.disputes.close(dispute.id)
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        answered(box, dispute.id, "winning_evidence")


def test_evidence_can_be_kept_without_submitting_it(box: RunningSandbox) -> None:
    dispute = disputed(box)
    evidence: Any = {"evidence": {"product_description": "A boat"}, "submit": False, "metadata": {"case": "7"}}
    kept = box.v1.disputes.update(dispute.id, evidence)
    assert (kept.status, kept.evidence_details.submission_count, kept.metadata["case"]) == ("needs_response", 0, "7")
    assert kept.evidence_details.has_evidence is True
    sent = box.v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence.product_description) == ("under_review", "A boat")
    box.advance(60)
    assert box.v1.disputes.retrieve(dispute.id).status == "under_review"


def test_a_file_that_does_not_exist_is_no_evidence(box: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.disputes.update(disputed(box).id, {"evidence": {"receipt": "file_none"}})
    assert (caught.value.code, caught.value.param) == ("resource_missing", "evidence[receipt]")


@pytest.mark.parametrize(("token", "status"), [(CARDS[0][0], "lost"), (CARDS[2][0], "warning_closed")])
def test_a_dispute_nobody_answers_ends_when_it_is_due(box: RunningSandbox, token: str, status: str) -> None:
    dispute = disputed(box, token)
    box.advance(9 * DAY)
    after = box.v1.disputes.retrieve(dispute.id)
    assert (after.status, after.evidence_details.past_due) == (status, True)
    assert box.event_types()[-1] == "charge.dispute.closed"


# Inquiries


def test_an_inquiry_takes_no_money(box: RunningSandbox) -> None:
    assert disputed(box, "pm_card_createDisputeInquiry").balance_transactions == []
    assert "charge.dispute.funds_withdrawn" not in box.event_types()


@pytest.mark.parametrize("text", ["escalate_inquiry_evidence", "losing_evidence"])
def test_an_inquiry_that_is_escalated_becomes_a_chargeback(box: RunningSandbox, text: str) -> None:
    dispute = disputed(box, "pm_card_createDisputeInquiry")
    assert answered(box, dispute.id, text).status == "warning_under_review"
    box.advance(60)
    after = box.v1.disputes.retrieve(dispute.id)
    assert (after.status, after.is_charge_refundable) == ("needs_response", False)
    assert [entry.amount for entry in after.balance_transactions] == [-2000]
    assert box.event_types()[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert answered(box, dispute.id, "winning_evidence").status == "under_review"


def test_an_inquiry_ends_with_good_evidence_or_a_full_refund(box: RunningSandbox) -> None:
    first, second = (disputed(box, "pm_card_createDisputeInquiry") for _ in range(2))
    answered(box, first.id, "winning_evidence")
    box.advance(60)
    box.v1.refunds.create({"charge": str(second.charge)})
    assert {box.v1.disputes.retrieve(it.id).status for it in (first, second)} == {"warning_closed"}


# Refunds of what is disputed


def test_a_charge_that_was_charged_back_is_refunded_only_after_winning(box: RunningSandbox) -> None:
    dispute = disputed(box)
    with pytest.raises(stripe.InvalidRequestError, match="has been charged back") as caught:
        box.v1.refunds.create({"charge": str(dispute.charge)})
    assert caught.value.code == "charge_disputed"
    answered(box, dispute.id, "winning_evidence")
    box.advance(60)
    assert box.v1.refunds.create({"charge": str(dispute.charge)}).status == "succeeded"


# Returned debits


def test_a_returned_debit_is_a_dispute_that_is_lost(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(5000)
    assert invoice.payments is not None
    intent = str(invoice.payments.data[0].payment.payment_intent)
    box.v1.payment_intents.confirm(intent, {"payment_method": "pm_usBankAccount_dispute"})
    box.advance(60)
    (dispute,) = box.v1.disputes.list({"payment_intent": intent}).data
    assert (dispute.status, dispute.reason, dispute.amount) == ("lost", "debit_not_authorized", 5000)
    assert dispute.evidence_details.due_by is None
    assert [entry.net for entry in dispute.balance_transactions] == [-6500]
    disputes = [kind for kind in box.event_types() if "dispute" in kind]
    assert disputes == ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"]
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


# Early fraud warnings


def test_an_early_fraud_warning_follows_its_card(box: RunningSandbox) -> None:
    charge = charged(box, "pm_card_createIssuerFraudRecord")
    (warning,) = box.v1.radar.early_fraud_warnings.list({"charge": charge.id}).data
    assert (warning.actionable, warning.charge, warning.payment_intent) == (True, charge.id, charge.payment_intent)
    assert charge.disputed is False
    box.v1.refunds.create({"charge": charge.id})
    assert box.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable is False
    told = [kind for kind in box.event_types() if kind.startswith("radar")]
    assert told == ["radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"]


# Control calls


def test_any_payment_can_be_disputed_and_decided_by_a_control_call(box: RunningSandbox) -> None:
    charge = charged(box, "pm_card_visa")
    made = box.control("POST", f"charges/{charge.payment_intent}/dispute", reason="duplicate", amount=500)
    assert (made["amount"], made["reason"], made["status"]) == (500, "duplicate", "needs_response")
    won = box.control("POST", f"disputes/{made['id']}/decide", decision="won")
    assert (won["status"], len(won["balance_transactions"])) == ("won", 2)
    warning = box.control("POST", f"charges/{charge.id}/early_fraud_warning", fraud_type="misc")
    assert (warning["object"], warning["fraud_type"], warning["actionable"]) == (
        "radar.early_fraud_warning",
        "misc",
        False,
    )


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("charges/{charge}/dispute", {"reason": "boredom"}),
        ("charges/{charge}/dispute", {"amount": 2001}),
        ("charges/{charge}/dispute", {"amount": 0}),
        ("charges/ch_none/dispute", {}),
        ("charges/{charge}/early_fraud_warning", {"fraud_type": "rumour"}),
        ("disputes/{dispute}/decide", {"decision": "warning_closed"}),
        ("disputes/{dispute}/decide", {}),
        ("disputes/dp_none/decide", {"decision": "won"}),
    ],
)
def test_a_control_call_that_cannot_be_is_refused(box: RunningSandbox, path: str, sent: dict[str, Any]) -> None:
    dispute = disputed(box, amount=500)
    charge = charged(box, "pm_card_visa")
    filled = path.format(charge=charge.id, dispute=dispute.id)
    assert box.http.post(f"/_sandbox/{filled}", json=sent).status_code in {400, 404}
    assert len(box.v1.disputes.list().data) == 1


@pytest.mark.parametrize("path", ["disputes/du_none", "radar/early_fraud_warnings/issfr_none"])
def test_an_unknown_id_is_missing(box: RunningSandbox, path: str) -> None:
    answer = box.get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")


@pytest.mark.parametrize("name", ["charge", "payment_intent"])
def test_an_unknown_id_in_a_filter_is_missing(box: RunningSandbox, name: str) -> None:
    for path in ("disputes", "radar/early_fraud_warnings"):
        answer = box.get(f"/v1/{path}", **{name: "x_none"})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)


# Faults


def test_evidence_whose_answer_was_lost_is_submitted_once(box: RunningSandbox) -> None:
    dispute = disputed(box)
    box.fault("drop_response", f"/v1/disputes/{dispute.id}", "POST", times=1)
    body, key = "evidence[uncategorized_text]=winning_evidence", {"Idempotency-Key": "evidence-1"}
    with pytest.raises(httpx.TransportError):
        box.post(f"/v1/disputes/{dispute.id}", body, **key)
    again = box.post(f"/v1/disputes/{dispute.id}", body, **key)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["evidence_details"]["submission_count"] == 1


@pytest.mark.parametrize("kind", ["status", "drop_request"])
def test_evidence_that_never_arrived_changes_nothing(box: RunningSandbox, kind: str) -> None:
    dispute = disputed(box)
    box.fault(kind, f"/v1/disputes/{dispute.id}*", "POST", times=1)
    with pytest.raises(stripe.StripeError):
        box.v1.disputes.close(dispute.id)
    assert box.v1.disputes.retrieve(dispute.id).status == "needs_response"


def test_a_decision_comes_also_after_a_killed_process(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state.sqlite3"))
    first = RunningSandbox(*state)
    dispute = disputed(first)
    answered(first, dispute.id, "winning_evidence")
    first.stop(signal.SIGKILL)
    second = RunningSandbox(*state)
    second.advance(60)
    after = second.v1.disputes.retrieve(dispute.id)
    second.stop()
    assert (after.status, len(after.balance_transactions)) == ("won", 2)


def test_a_payment_that_is_captured_later_is_disputed_then(box: RunningSandbox) -> None:
    intent = box.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "confirm": True,
            "return_url": "https://example.com/",
            "capture_method": "manual",
            "payment_method": "pm_card_createDispute",
        }
    )
    assert box.v1.disputes.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="cancel the PaymentIntent"):
        box.v1.refunds.create({"charge": str(intent.latest_charge)})
    box.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    assert [dispute.amount for dispute in box.v1.disputes.list().data] == [1500]
