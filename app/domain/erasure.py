"""Removes personal data from stored Stripe objects when a customer is erased. Pure.

Invoices stay with numbers, amounts and dates, as the law requires. Whom they were for is removed.
"""

from typing import Any

PERSONAL = frozenset(
    {
        "address", "billing_details", "business_name", "customer_account", "customer_address", "customer_details", "customer_email",
        "customer_name", "customer_phone", "customer_shipping", "customer_tax_ids", "email", "email_sent_to", "individual_name", "ip",
        "name", "phone", "receipt_email", "shipping", "card", "us_bank_account", "sepa_debit",
    }
)  # fmt: skip
"""The fields of Stripe's objects that say who somebody is or how they pay."""

NOT_PEOPLE = frozenset({"product", "coupon", "tax_rate"})
"""Kinds of objects whose name is not a person's."""

PERSONAL_IN = {
    "customer": frozenset({"description", "metadata", "invoice_settings", "reference", "tax_ids"}),
    "tax_id": frozenset({"value", "verification"}),
    "dispute": frozenset({"evidence"}),
    "refund": frozenset({"instructions_email"}),
    "setup_intent": frozenset({"description", "metadata"}),
}
"""Further personal fields by kind of object. Callers may write anything into those of a customer and into evidence."""

HOW_THEY_PAY = frozenset({"payment_method", "mandate"})
"""Kinds of objects whose every group of fields says how somebody pays: each type of payment method has its own."""

PREFIXES = {"cus_": "customer", "txi_": "tax_id"}
"""How the ids of objects begin whose answers of ours do not name their kind."""
PREVIOUS = "previous_attributes"


def pseudonymised(document: Any) -> Any:
    """`document` with personal fields set to null; ids stay, as they say nothing by themselves.

    An event's `previous_attributes` hold fields of the object beside them, so they are treated as an object of its
    kind.
    """
    return _pseudonymised(document, "")


def _pseudonymised(document: Any, kind: str) -> Any:
    """The same, for an object whose kind is `kind` unless it names another."""
    if isinstance(document, list):
        return [_pseudonymised(entry, "") for entry in document]
    if not isinstance(document, dict):
        return document
    kind = _kind(document) or kind
    hidden = (PERSONAL - {"name"} if kind in NOT_PEOPLE else PERSONAL) | PERSONAL_IN.get(kind, frozenset())
    if kind in HOW_THEY_PAY:
        hidden |= {key for key, value in document.items() if isinstance(value, dict)}
    within = {PREVIOUS: _kind(document.get("object")), "payment_method_details": "payment_method"}
    return {
        key: _emptied(value) if key in hidden else _pseudonymised(value, within.get(key, ""))
        for key, value in document.items()
    }


def _kind(document: Any) -> str:
    """The kind of object that `document` says it is; empty if it says none."""
    if not isinstance(document, dict):
        return ""
    for prefix, kind in PREFIXES.items():
        if str(document.get("id", "")).startswith(prefix):
            return kind
    said = document.get("object")
    return said if isinstance(said, str) else ""


def _emptied(value: Any) -> Any:
    """The empty value of the same type, so that the document keeps its shape."""
    if isinstance(value, dict):
        return {}
    return [] if isinstance(value, list) else None
