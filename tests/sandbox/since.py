"""What Stripe shows that its OpenAPI document of 2026-05-27.dahlia does not have, up to 2026-10-28.endive.

Each entry names its source. SPEC: Stripe's OpenAPI document of 2026-08-26.dahlia. SDK: stripe-python 16.1.0, which is
generated from endive. RECORDED: answers of Stripe's in public test fixtures, 2025-10-29.clover and 2026-03-25.dahlia.
"""

from typing import Any

JSON = dict[str, Any]
NULL: JSON = {"type": "null"}
TEXT: JSON = {"type": ["string", "null"]}
TEXTS: JSON = {"type": ["array", "null"], "items": {"type": "string"}}


def _object(**properties: JSON) -> JSON:
    return {"type": ["object", "null"], "properties": properties, "additionalProperties": False}


PROPERTIES: list[tuple[str, JSON, str]] = [
    ("charge.destination", NULL, "RECORDED"),
    ("charge.dispute", TEXT, "RECORDED"),
    ("charge.order", NULL, "RECORDED"),
    ("charge.source", NULL, "SDK Charge, RECORDED"),
    ("dispute_payment_method_details_card.network", {"type": "string"}, "SPEC"),
    ("invoice.status_details", _object(uncollectible=_object(reason=TEXT)), "SDK Invoice.StatusDetails"),
    ("invoiceitem.frozen_fields", TEXTS, "SPEC"),
    ("invoiceitem.invoicing_rules", NULL, "SDK InvoiceItem"),
    ("payment_intent.allowed_payment_method_types", TEXTS, "SPEC"),
    ("payment_intent.payment_record", TEXT, "SDK PaymentIntent"),
    ("payment_intent.source", NULL, "SDK PaymentIntent, RECORDED"),
    ("payment_method_details_card.transaction_link_id", TEXT, "SPEC"),
    ("product.tax_details", {"type": ["object", "null"]}, "SDK Product"),
    ("product.type", {"enum": ["good", "service"]}, "SDK Product, RECORDED"),
    ("recurring.trial_period_days", {"type": ["integer", "null"]}, "SDK Price.Recurring, RECORDED"),
    ("setup_intent.allowed_payment_method_types", TEXTS, "SPEC"),
    ("refund.customer", TEXT, "SPEC"),
    ("refund.customer_account", TEXT, "SPEC"),
    ("refund.payment_method", TEXT, "SPEC"),
]
"""A schema's further property, as `schema.property`, and its JSON Schema."""
LISTS: tuple[JSON, str] = ({"type": "integer"}, "RECORDED")
"""`total_count` of a list inside of an object."""
PARAMETERS: list[tuple[str, JSON, str]] = [
    ("PostPaymentIntents.allowed_payment_method_types", {"type": "array", "items": {"type": "string"}}, "SPEC, SDK"),
    ("PostWebhookEndpoints.api_version", {"enum": ["2026-10-28.endive"]}, "SDK"),
]
"""Parameters that are new or take new values, as `operationId.parameter`."""
EVENTS: list[tuple[str, str]] = [
    ("invoice_payment.detached", "Stripe's changelog, preview of 2026-01-28"),
]
"""Types of events."""
