"""What is shown of people to whoever may look at the service, but not at them. Pure.

What is personal of Stripe's objects is decided in erasure.py, what is of our rows in the schemas.
"""

from typing import Any

from app.domain.erasure import pseudonymised

PAYABLE = frozenset({"hosted_invoice_url", "invoice_pdf", "receipt_url"})
"""Whoever has one of these addresses sees who it is for, and may pay."""
MASK = "•••"


def masked(value: Any) -> Any:
    """As much of `value` as tells two apart: the first character of a text, and whether there is anything at all."""
    if value is None or value in ({}, []):
        return value
    if not isinstance(value, str):
        return MASK
    name, at, _ = value.partition("@")
    return f"{name[:1]}{MASK}{at and f'@{MASK}'}"


def impersonal(document: Any) -> Any:
    """One of Stripe's objects without what is personal in it, and without what leads to that."""
    return _without_addresses(pseudonymised(document))


def _without_addresses(document: Any) -> Any:
    if isinstance(document, list):
        return [_without_addresses(entry) for entry in document]
    if not isinstance(document, dict):
        return document
    return {key: None if key in PAYABLE else _without_addresses(value) for key, value in document.items()}
