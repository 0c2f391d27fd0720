"""Disputes and early fraud warnings, with every key Stripe shows."""

from offline_stripe.documents import Document

EVIDENCE_TEXTS = (
    "access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip
EVIDENCE_FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip


def dispute(**fields: object) -> Document:
    return {
        "id": None,
        "object": "dispute",
        "amount": 0,
        "balance_transactions": [],
        "charge": None,
        "created": None,
        "currency": None,
        "enhanced_eligibility_types": [],
        "evidence": None,
        "evidence_details": None,
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "status": "needs_response",
        **fields,
    }


def evidence(**known: object) -> Document:
    """`dispute.evidence`, with what Stripe knows of the customer."""
    empty = dict.fromkeys(sorted(EVIDENCE_TEXTS + EVIDENCE_FILES))
    return {**empty, "enhanced_evidence": {}, **known}


def evidence_details(*, due_by: int | None) -> Document:
    return {
        "due_by": due_by,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
    }


def card_dispute(card: Document, *, inquiry: bool, reason_code: str) -> Document:
    """`dispute.payment_method_details` of a card. Bank debits have none."""
    return {
        "card": {
            "brand": card["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network": card["network"],
            "network_reason_code": reason_code,
        },
        "type": "card",
    }


def early_fraud_warning(**fields: object) -> Document:
    return {
        "id": None,
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": None,
        "created": None,
        "fraud_type": None,
        "livemode": False,
        "payment_intent": None,
        **fields,
    }
