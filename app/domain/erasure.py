"""Owns what is personal in what is kept, and how it is taken out when a customer is erased. Pure.

Invoices stay, as the law requires: their numbers, amounts and dates. Who they were for does not.
"""

from typing import Any

from app.domain.json import JsonObject

PERSONAL = frozenset(
    {
        "address", "billing_details", "customer_account", "customer_address", "customer_details", "customer_email",
        "customer_name", "customer_phone", "customer_shipping", "customer_tax_ids", "email", "individual_name", "ip",
        "name", "phone", "receipt_email", "shipping", "card", "us_bank_account", "sepa_debit",
    }
)  # fmt: skip
"""The fields of Stripe's objects that say who somebody is or how they pay."""

NOT_PEOPLE = frozenset({"product", "coupon", "tax_rate"})
"""Objects whose name is not a person's."""

OF_A_CUSTOMER = frozenset({"description", "metadata", "invoice_settings", "reference", "tax_ids"})
"""What is personal besides in a customer itself: the caller may have written anything there."""

ERASED_CUSTOMER: JsonObject = {
    "name": None,
    "email": None,
    "description": None,
    "phone": None,
    "address": None,
    "default_payment_method": None,
    "custom_fields": [],
    "footer": None,
    "metadata": {},
    "reference": None,
}
"""What is left in the columns of a customer that was deleted."""


def pseudonymised(document: Any) -> Any:
    """`document` without what is personal: the fields stay, null; ids stay, for they say nothing without the rest."""
    if isinstance(document, list):
        return [pseudonymised(entry) for entry in document]
    if not isinstance(document, dict):
        return document
    kind = str(document.get("object"))
    hidden = PERSONAL - {"name"} if kind in NOT_PEOPLE else PERSONAL
    is_customer = kind == "customer" or str(document.get("id", "")).startswith("cus_")
    return {
        key: _emptied(value) if key in hidden or (is_customer and key in OF_A_CUSTOMER) else pseudonymised(value)
        for key, value in document.items()
    }


def _emptied(value: Any) -> Any:
    """Nothing, of the kind that was there, so that the document still reads as what it is."""
    if isinstance(value, dict):
        return {}
    return [] if isinstance(value, list) else None
