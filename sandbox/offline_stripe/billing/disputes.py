"""Disputes: a customer's bank takes a payment back, and the evidence that may win it again.

A chargeback withdraws the money at once, with a fee. An inquiry withdraws nothing until it is escalated. A bank debit
that is returned is a dispute that is lost at once. Sources: Stripe's testing page (tokens and evidence texts), and
recorded answers (order of events, balance transactions, deadlines).
"""

from dataclasses import dataclass

from offline_stripe.billing.currencies import display
from offline_stripe.billing.fraud_warnings import settle_warnings, warn
from offline_stripe.billing.ledger import enter_reinstatement, enter_withdrawal
from offline_stripe.documents import Document, copied
from offline_stripe.presentation import announce, updating
from offline_stripe.shapes import disputes as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

DAY = 86_400
DAYS_TO_RESPOND = 8
CLOSED = frozenset({"won", "lost", "warning_closed"})
MAGIC = {"winning_evidence": "won", "losing_evidence": "lost", "escalate_inquiry_evidence": "escalated"}
"""What `evidence[uncategorized_text]` leads to."""
_REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1",
                 "credit_not_processed": "13.7", "subscription_canceled": "13.2", "product_unacceptable": "13.3"}  # fmt: skip
REASONS = frozenset(
    {"bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized",
     "duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "noncompliant",
     "product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """What a dispute is about, and whether it only inquires."""

    reason: str = "fraudulent"
    inquiry: bool = False


_CASES = {
    "disputed": Case(),
    "disputed_product_not_received": Case("product_not_received"),
    "inquired": Case(inquiry=True),
    "debit_disputed": Case("debit_not_authorized"),
}


def follow_up(tx: Transaction, charge: Document) -> None:
    """What the test payment method has in store for a charge that succeeded."""
    outcome = charge.get("_outcome", "succeeds")
    if outcome == "fraud_warned":
        warn(tx, charge)
    elif outcome in _CASES:
        open_dispute(tx, charge, _CASES[outcome])


def open_dispute(tx: Transaction, charge: Document, case: Case, amount: int | None = None) -> Document:
    """Dispute an amount, or all that was not refunded. Raises StripeError if the charge cannot be disputed."""
    debit = charge["payment_method_details"]["type"] != "card"
    amount = _disputed_amount(tx, charge, case, amount, debit=debit)
    due_by = None if debit else _due_by(tx)
    dispute = shapes.dispute(
        id=tx.new_id("du"),
        amount=amount,
        charge=charge["id"],
        created=tx.now,
        currency=charge["currency"],
        evidence=shapes.evidence(**_known(charge)),
        evidence_details=shapes.evidence_details(due_by=due_by),
        is_charge_refundable=case.inquiry,
        payment_intent=charge["payment_intent"],
        reason=case.reason,
        status="lost" if debit else ("warning_" if case.inquiry else "") + "needs_response",
        _link=charge["id"],
    )
    if not debit:
        code = "10" if case.inquiry else _REASON_CODES.get(case.reason, "10.4")
        card = charge["payment_method_details"]["card"]
        dispute["payment_method_details"] = shapes.card_dispute(card, inquiry=case.inquiry, reason_code=code)
    tx.add(dispute)
    charge |= {"disputed": True, "dispute": dispute["id"]}
    tx.save(charge)
    if not case.inquiry:
        _record(tx, dispute, enter_withdrawal(tx, dispute))
    announce(tx, "charge.dispute.created", dispute)
    if not case.inquiry:
        announce(tx, "charge.dispute.funds_withdrawn", dispute)
    if due_by is None:
        announce(tx, "charge.dispute.closed", dispute)
    else:
        tx.schedule("dispute_due", dispute["id"], due_by)
    settle_warnings(tx, charge)
    return dispute


def _due_by(tx: Transaction) -> int:
    """The last second of the day on which a response is due."""
    return (tx.now // DAY + DAYS_TO_RESPOND + 1) * DAY - 1


def _disputed_amount(tx: Transaction, charge: Document, case: Case, amount: int | None, *, debit: bool) -> int:
    if case.reason not in REASONS:
        raise invalid_request(f"reason is one of {', '.join(sorted(REASONS))}", param="reason")
    if debit and case.inquiry:
        raise invalid_request("A bank debit is disputed without an inquiry.", param="inquiry")
    if charge["status"] != "succeeded":
        raise invalid_request(f"Charge {charge['id']} took no money that could be disputed.", param="charge")
    taken = sum(it["amount"] for it in disputes_of(tx, charge) if it["status"] not in {"won", "warning_closed"})
    left: int = charge["amount_captured"] - charge["amount_refunded"] - taken
    if amount is None:
        amount = left
    if not 0 < amount <= left:
        raise invalid_request(
            f"The amount must be from 1 to what is left to dispute ({display(left, charge['currency'])}).",
            param="amount",
        )
    return amount


def _known(charge: Document) -> Document:
    """What the charge says about the customer, as Stripe fills it in."""
    details = charge["billing_details"] or {}
    return {"customer_email_address": details.get("email"), "customer_name": details.get("name")}


def disputes_of(tx: Transaction, charge: Document) -> list[Document]:
    return tx.where("dispute", _link=charge["id"])


def require_refundable(tx: Transaction, charge: Document) -> None:
    """Refuse the refund of a charge whose money a dispute holds."""
    if any(not dispute["is_charge_refundable"] for dispute in disputes_of(tx, charge)):
        raise invalid_request(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )


def refunded_in_full(tx: Transaction, charge: Document) -> None:
    """A full refund ends an inquiry, and leaves nothing to warn of."""
    settle_warnings(tx, charge)
    for dispute in disputes_of(tx, charge):
        if dispute["status"].startswith("warning_") and dispute["status"] not in CLOSED:
            decide(tx, dispute, "warning_closed")


def require_open(dispute: Document) -> None:
    if dispute["status"] in CLOSED:
        raise invalid_request("This dispute is already closed")


def add_evidence(tx: Transaction, dispute: Document, evidence: Document, *, submitted: bool) -> None:
    """Keep evidence, and send it to the bank if `submitted`. The bank's decision follows by the clock."""
    dispute["evidence"] |= evidence
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"][name] for name in evidence)
    if not submitted:
        return
    details["submission_count"] += 1
    dispute["status"] = ("warning_" if _inquires(dispute) else "") + "under_review"
    tx.unschedule("dispute_due", dispute["id"])
    decision = MAGIC.get(str(dispute["evidence"]["uncategorized_text"]))
    if decision is not None:
        dispute["_decision"] = _for_inquiry(decision) if _inquires(dispute) else decision
        tx.schedule("dispute_decided", dispute["id"], tx.now + tx.switches.dispute_review_s)


def _inquires(dispute: Document) -> bool:
    return str(dispute["status"]).startswith("warning_")


def _for_inquiry(decision: str) -> str:
    """An inquiry is neither won nor lost: it ends, or becomes a chargeback."""
    return "warning_closed" if decision == "won" else "escalated"


def decide(tx: Transaction, dispute: Document, decision: str) -> None:
    """Apply the bank's decision: `won`, `lost`, `warning_closed`, or `escalated` (an inquiry becomes a chargeback).

    Raises StripeError for a decision that the dispute cannot take.
    """
    require_open(dispute)
    fitting = {"warning_closed", "escalated"} if _inquires(dispute) else {"won", "lost"}
    if decision not in fitting:
        raise invalid_request(
            f"A dispute with a status of {dispute['status']} is decided as {' or '.join(sorted(fitting))}.",
            param="decision",
        )
    tx.unschedule("dispute_due", dispute["id"])
    tx.unschedule("dispute_decided", dispute["id"])
    if decision == "escalated":
        _escalate(tx, dispute)
        return
    dispute |= {"status": decision, "is_charge_refundable": decision != "lost"}
    if decision == "won":
        _record(tx, dispute, enter_reinstatement(tx, dispute))
        announce(tx, "charge.dispute.funds_reinstated", dispute)
    tx.save(dispute)
    announce(tx, "charge.dispute.closed", dispute)


def _escalate(tx: Transaction, dispute: Document) -> None:
    with updating(tx, "charge.dispute.updated", dispute):
        dispute |= {"status": "needs_response", "is_charge_refundable": False}
        dispute["payment_method_details"]["card"] |= {"case_type": "chargeback", "network_reason_code": "10.4"}
        dispute["evidence_details"]["due_by"] = _due_by(tx)
        _record(tx, dispute, enter_withdrawal(tx, dispute))
    announce(tx, "charge.dispute.funds_withdrawn", dispute)
    tx.schedule("dispute_due", dispute["id"], dispute["evidence_details"]["due_by"])


def _record(tx: Transaction, dispute: Document, entry: Document) -> None:
    dispute["balance_transactions"].append(copied(entry))
    tx.save(dispute)


def expire(tx: Transaction, dispute: Document) -> None:
    """The time to respond is over: a chargeback is lost, an inquiry ends."""
    if dispute["status"] not in CLOSED:
        dispute["evidence_details"]["past_due"] = True
        decide(tx, dispute, "warning_closed" if _inquires(dispute) else "lost")


def conclude(tx: Transaction, dispute: Document) -> None:
    """The decision that the evidence led to."""
    if dispute["status"] not in CLOSED:
        decide(tx, dispute, dispute["_decision"])


def accept(tx: Transaction, dispute: Document) -> None:
    """Give up: the dispute is lost. An inquiry ends."""
    require_open(dispute)
    decide(tx, dispute, "warning_closed" if _inquires(dispute) else "lost")
