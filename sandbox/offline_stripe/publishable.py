"""What a publishable key may send and see: Stripe.js's parameters, and objects without private data.

A browser does not get metadata, customer and amounts received.
"""

from offline_stripe.documents import Document

FROM_STRIPE_JS = frozenset(
    {"client_secret", "key", "expected_payment_method_type", "client_attribution_metadata", "guid", "muid", "sid",
     "referrer", "pasted_fields", "payment_user_agent", "time_on_page", "_stripe_version", "is_stripe_sdk",
     "client_context", "elements_options_client", "payment_method_data"}
)  # fmt: skip
"""Parameters that no SDK type declares, because only Stripe.js sends them."""
_PAYMENT_INTENT = frozenset(
    {"id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at", "cancellation_reason",
     "capture_method", "client_secret", "confirmation_method", "created", "currency", "description",
     "last_payment_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
     "payment_method_types", "processing", "receipt_email", "setup_future_usage", "shipping", "source", "status"}
)  # fmt: skip
_PAYMENT_METHOD = frozenset(
    {"id", "object", "allow_redisplay", "billing_details", "card", "created", "customer", "livemode", "type",
     "sepa_debit", "us_bank_account"}
)  # fmt: skip
_SETUP_INTENT = frozenset(
    {"id", "object", "automatic_payment_methods", "cancellation_reason", "client_secret", "created", "description",
     "last_setup_error", "livemode", "next_action", "payment_method", "payment_method_configuration_details",
     "payment_method_types", "status", "usage"}
)  # fmt: skip
_VISIBLE = {
    "payment_intent": _PAYMENT_INTENT,
    "payment_method": _PAYMENT_METHOD,
    "setup_intent": _SETUP_INTENT,
}


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
