"""What is personal in stored objects of Stripe's, and how it is taken out of them when a customer is erased. Pure.

Invoices stay, as the law requires: their numbers, amounts and dates. Who they were for does not.
"""

from typing import Any

PERSONAL = frozenset(
    {
        "address", "billing_details", "business_name", "customer_account", "customer_address", "customer_details", "customer_email",
        "customer_name", "customer_phone", "customer_shipping", "customer_tax_ids", "email", "individual_name", "ip",
        "name", "phone", "receipt_email", "shipping", "card", "us_bank_account", "sepa_debit",
    }
)  # fmt: skip
"""The fields of Stripe's objects that say who somebody is or how they pay."""

NOT_PEOPLE = frozenset({"product", "coupon", "tax_rate"})
"""Objects whose name is not a person's."""

PERSONAL_IN = {
    "customer": frozenset({"description", "metadata", "invoice_settings", "reference", "tax_ids"}),
    "tax_id": frozenset({"value", "verification"}),
}
"""What is personal besides, by the kind of object. In a customer the caller may have written anything there."""

PREVIOUS = "previous_attributes"


def pseudonymised(document: Any) -> Any:
    """`document` without what is personal: the fields stay, null; ids stay, for they say nothing without the rest.

    An event's `previous_attributes` hold fields of the object beside them, so they are treated as an object of its kind.
    """
    return _pseudonymised(document, "")


def _pseudonymised(document: Any, kind: str) -> Any:
    """The same, of an object that is of this kind unless it says another."""
    if isinstance(document, list):
        return [_pseudonymised(entry, "") for entry in document]
    if not isinstance(document, dict):
        return document
    kind = _kind(document) or kind
    hidden = (PERSONAL - {"name"} if kind in NOT_PEOPLE else PERSONAL) | PERSONAL_IN.get(kind, frozenset())
    beside = _kind(document.get("object"))
    return {
        key: _emptied(value) if key in hidden else _pseudonymised(value, beside if key == PREVIOUS else "")
        for key, value in document.items()
    }


def _kind(document: Any) -> str:
    """What kind of object it says it is; empty where it says nothing."""
    if not isinstance(document, dict):
        return ""
    if str(document.get("id", "")).startswith("cus_"):
        return "customer"
    said = document.get("object")
    return said if isinstance(said, str) else ""


def _emptied(value: Any) -> Any:
    """Nothing, of the kind that was there, so that the document still reads as what it is."""
    if isinstance(value, dict):
        return {}
    return [] if isinstance(value, list) else None
