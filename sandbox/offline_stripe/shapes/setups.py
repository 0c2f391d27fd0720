"""SetupIntents, their attempts, and mandates, with every key Stripe shows."""

from offline_stripe.documents import Document


def setup_intent(**fields: object) -> Document:
    return {
        "id": None,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": None,
        "created": None,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": None,
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
        **fields,
    }


def setup_attempt(method: Document, **fields: object) -> Document:
    details: Document = {}
    if method["type"] == "card":
        card = method["card"]
        shown = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
        details = {**{name: card[name] for name in shown}, "network": card["brand"], "three_d_secure": None}
    return {
        "id": None,
        "object": "setup_attempt",
        "application": None,
        "created": None,
        "customer": None,
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": {method["type"]: details, "type": method["type"]},
        "setup_error": None,
        "setup_intent": None,
        "status": "abandoned",
        "usage": "off_session",
        **fields,
    }


def mandate(method: Document, acceptance: Document, **fields: object) -> Document:
    details: Document = {}
    if method["type"] == "sepa_debit":
        details = {"reference": str(fields["id"])[-16:].upper(), "url": "https://mandate.example/"}
    return {
        "id": None,
        "object": "mandate",
        "customer_acceptance": acceptance,
        "livemode": False,
        "multi_use": {},
        "payment_method": method["id"],
        "payment_method_details": {method["type"]: details, "type": method["type"]},
        "status": "active",
        "type": "multi_use",
        **fields,
    }
