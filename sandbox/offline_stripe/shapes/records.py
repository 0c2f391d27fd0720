"""Payment records: payments that did not go through Stripe."""

from offline_stripe.documents import Document


def payment_record(currency: str, **fields: object) -> Document:
    nothing = {"currency": currency, "value": 0}
    return {
        "id": None,
        "object": "payment_record",
        "amount": dict(nothing),
        "amount_authorized": dict(nothing),
        "amount_canceled": dict(nothing),
        "amount_failed": dict(nothing),
        "amount_guaranteed": dict(nothing),
        "amount_refunded": dict(nothing),
        "amount_requested": dict(nothing),
        "application": None,
        "created": None,
        "customer_details": None,
        "customer_presence": None,
        "description": None,
        "latest_payment_attempt_record": None,
        "livemode": False,
        "metadata": {},
        "payment_method_details": None,
        "processor_details": {"type": "custom"},
        "reported_by": "self",
        "shipping_details": None,
        **fields,
    }
