"""Masks personal data for operators who are no admins. The schemas mark the personal fields of our rows. Pure."""

from typing import Any

from app.domain.erasure import pseudonymised

PAYABLE = frozenset({"hosted_invoice_url", "invoice_pdf", "pdf"})
"""Fields with addresses that show whom an invoice or credit note is for, and let their holder pay it."""
MASK = "•••"


def masked(value: Any) -> Any:
    """`value` masked: the first character of a text, or that there is a value at all."""
    if value is None or value in ({}, []):
        return value
    if not isinstance(value, str):
        return MASK
    name, at, _ = value.partition("@")
    return f"{name[:1]}{MASK}{at and f'@{MASK}'}"


def impersonal(document: Any) -> Any:
    """A Stripe object without personal data and without addresses that lead to it."""
    return _without_addresses(pseudonymised(document))


def _without_addresses(document: Any) -> Any:
    if isinstance(document, list):
        return [_without_addresses(entry) for entry in document]
    if isinstance(document, str) and document.startswith(("https://", "http://")):
        return None
    return {key: _without_addresses(it) for key, it in document.items()} if isinstance(document, dict) else document
