"""Refunds: money given back on a charge.

It limits how much can be refunded, updates the charge, and follows a refund that pends, fails later or is canceled. The
invoice stays paid. Source of the test cards: Stripe's testing page.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from offline_stripe.billing.cash import enter_cash
from offline_stripe.billing.currencies import display
from offline_stripe.billing.disputes import refunded_in_full, require_refundable
from offline_stripe.billing.ledger import enter_refund, enter_refund_failure
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, show, updating
from offline_stripe.shapes import payments as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request, require_positive

DAY = 86_400
DAYS_FOR_ACTION = 30
FAILURES = frozenset(
    {"charge_for_pending_refund_disputed", "declined", "expired_or_canceled_card", "insufficient_funds",
     "lost_or_stolen_card", "merchant_request", "unknown"}
)  # fmt: skip
_NEXT = {
    "pending": {"succeeded", "failed", "canceled", "requires_action"},
    "requires_action": {"succeeded", "failed", "canceled", "pending"},
    "succeeded": {"failed"},
}
"""What may become of a refund in each state. Failed and canceled refunds are final."""


def refund_charge(tx: Transaction, charge: Document, amount: int | None, **fields: object) -> Document:
    """Refund an amount, or all that is left. Raises StripeError if that cannot be."""
    amount = _refundable(tx, charge, amount)
    refund = shapes.refund(
        id=tx.new_id("re"),
        amount=amount,
        charge=charge["id"],
        created=tx.now,
        currency=charge["currency"],
        customer=charge["customer"],
        destination_details=_destination(charge),
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        _link=charge["id"],
        **fields,
    )
    ends = _ending(charge)
    if ends == "succeeded":
        refund |= {"status": "pending", "pending_reason": "processing"}
    if ends is not None:
        refund["_ends"] = ends
        tx.schedule("refund_settled", refund["id"], tx.now + tx.switches.refund_settlement_s)
    if charge["payment_method_details"]["type"] == "customer_balance":
        customer = tx.need("customer", charge["customer"], param="customer")
        about = {"refund": refund["id"]}
        enter_cash(tx, customer, "refunded_from_payment", amount, refund["currency"], refunded_from_payment=about)
    refund["balance_transaction"] = enter_refund(tx, refund, charge)["id"]
    tx.add(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    tx.save(charge)
    announce(tx, "refund.created", refund)
    announce(tx, "charge.refunded", charge)
    if charge["refunded"]:
        refunded_in_full(tx, charge)
    return refund


def _refundable(tx: Transaction, charge: Document, amount: int | None) -> int:
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise invalid_request(f"Charge {charge['id']} has not succeeded and cannot be refunded.", param="charge")
    if not charge["captured"]:
        raise invalid_request(
            f"This uncaptured Charge was created by a PaymentIntent ({charge['payment_intent']}). You must cancel the"
            " PaymentIntent to reverse the authorization instead of refunding the Charge directly.",
            param="charge",
        )
    require_refundable(tx, charge)
    if left == 0:
        raise invalid_request(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", param="charge"
        )
    require_positive({"amount": amount}, "amount")
    amount = left if amount is None else amount
    if amount > left:
        raise invalid_request(
            f"Refund amount ({display(amount, charge['currency'])}) is greater than unrefunded amount on charge"
            f" ({display(left, charge['currency'])})",
            param="amount",
        )
    return amount


def _ending(charge: Document) -> str | None:
    """What becomes of a refund of this charge later, if anything. Banks take their time."""
    outcome = charge.get("_outcome")
    if outcome == "refund_fails":
        return "failed"
    if outcome == "refund_pends" or charge["payment_method_details"]["type"] not in {"card", "customer_balance"}:
        return "succeeded"
    return None


def _destination(charge: Document) -> Document:
    kind = charge["payment_method_details"]["type"]
    if kind == "card":
        reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
        return {"card": reference, "type": "card"}
    if kind == "customer_balance":
        return {"customer_cash_balance": {}, "type": "customer_cash_balance"}
    transfer = "eu_bank_transfer" if kind == "sepa_debit" else "us_bank_transfer"
    return {"type": transfer, transfer: {"reference": None, "reference_status": "pending"}}


@contextmanager
def updating_refund(tx: Transaction, refund: Document) -> Iterator[None]:
    """Save what the block changes, and announce it under both names Stripe has for it."""
    before = show(tx, refund)
    with updating(tx, "refund.updated", refund):
        yield
    tx.emit_update("charge.refund.updated", before, show(tx, refund))


def conclude(tx: Transaction, refund: Document) -> None:
    """What the refund's payment method has in store for it."""
    if refund["_ends"] in _NEXT.get(refund["status"], ()):
        settle_refund(tx, refund, refund["_ends"], "expired_or_canceled_card")


def settle_refund(tx: Transaction, refund: Document, status: str, failure_reason: str = "unknown") -> None:
    """Move a refund to another status. One that fails or is canceled returns its money to the account.

    Raises StripeError for a status that does not follow, or an unknown reason.
    """
    if status not in _NEXT.get(refund["status"], ()):
        raise invalid_request(f"A refund with a status of {refund['status']} cannot become {status}.", param="status")
    if failure_reason not in FAILURES:
        raise invalid_request(f"failure_reason is one of {', '.join(sorted(FAILURES))}", param="failure_reason")
    charge = tx.need("charge", refund["charge"], param="charge")
    tx.unschedule("refund_settled", refund["id"])
    with updating_refund(tx, refund):
        refund["status"] = status
        for name in ("pending_reason", "next_action"):
            refund.pop(name, None)
        if status == "pending":
            refund["pending_reason"] = "processing"
        elif status == "requires_action":
            refund["next_action"] = _next_action(tx, refund)
        elif status in {"failed", "canceled"}:
            refund["failure_reason"] = failure_reason
            refund["failure_balance_transaction"] = enter_refund_failure(tx, refund, charge)["id"]
    if status == "failed":
        announce(tx, "refund.failed", refund)
    if status in {"failed", "canceled"}:
        with updating(tx, "charge.updated", charge):
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False


def _next_action(tx: Transaction, refund: Document) -> Document:
    """The customer is asked by mail for a bank account."""
    mail = {"email_sent_at": tx.now, "email_sent_to": refund.get("instructions_email") or ""}
    details = {"email_sent": mail, "expires_at": tx.now + DAYS_FOR_ACTION * DAY}
    return {"display_details": details, "type": "display_details"}


def cancel_refund(tx: Transaction, refund: Document) -> None:
    """Cancel a refund that waits for the customer."""
    if refund["status"] != "requires_action":
        raise invalid_request(f"You cannot cancel a refund with a status of {refund['status']}.")
    settle_refund(tx, refund, "canceled", "merchant_request")
