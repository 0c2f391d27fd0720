"""What a publishable key may see: a PaymentIntent without the merchant's private data.

Owns the list of fields Stripe.js gets. Metadata, customer and amounts received are left out.
"""

from sandbox.documents import Document

_PAYMENT_INTENT = frozenset(
    {"id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at", "cancellation_reason",
     "capture_method", "client_secret", "confirmation_method", "created", "currency", "description",
     "last_payment_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
     "payment_method_types", "processing", "receipt_email", "setup_future_usage", "shipping", "source", "status"}
)  # fmt: skip
_PAYMENT_METHOD = frozenset(
    {"id", "object", "allow_redisplay", "billing_details", "card", "created", "customer", "livemode", "type",
     "us_bank_account"}
)  # fmt: skip
_VISIBLE = {"payment_intent": _PAYMENT_INTENT, "payment_method": _PAYMENT_METHOD}


def redact_for_publishable(shown: object) -> None:
    """Remove, in place, what a publishable key may not see."""
    if isinstance(shown, list):
        for item in shown:
            redact_for_publishable(item)
    elif isinstance(shown, dict):
        _redact_object(shown)


def _redact_object(shown: Document) -> None:
    visible = _VISIBLE.get(str(shown.get("object")))
    if visible is not None:
        for name in shown.keys() - visible:
            del shown[name]
    for value in shown.values():
        redact_for_publishable(value)
