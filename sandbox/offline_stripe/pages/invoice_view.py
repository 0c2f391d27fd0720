"""The facts and sums that an invoice shows to the customer, in order and with their labels.

It knows neither HTML nor PDF.
"""

from datetime import UTC, datetime

from offline_stripe.billing.currencies import display
from offline_stripe.documents import Document

Pairs = list[tuple[str, str]]


def headline(invoice: Document) -> str:
    amount = display(invoice["amount_remaining"] or invoice["amount_due"], invoice["currency"])
    return {
        "paid": f"{amount} paid",
        "void": "This invoice was voided",
        "uncollectible": f"{amount} was written off",
    }.get(invoice["status"], f"{amount} due")


def facts(invoice: Document) -> Pairs:
    found = [
        ("From", invoice["account_name"]),
        ("To", invoice["customer_name"] or invoice["customer_email"]),
        ("Issued", _day(invoice["effective_at"])),
        ("Due", _day(invoice["due_date"])),
        *((entry["name"], entry["value"]) for entry in invoice["custom_fields"] or []),
    ]
    return [(name, value) for name, value in found if value]


def sums(invoice: Document) -> Pairs:
    currency = invoice["currency"]
    discounts = sum(entry["amount"] for entry in invoice["total_discount_amounts"])
    taxes = sum(entry["amount"] for entry in invoice["total_taxes"])
    found = [
        ("Subtotal", display(invoice["subtotal"], currency)),
        ("Discounts", display(-discounts, currency) if discounts else None),
        ("Taxes", display(taxes, currency) if taxes else None),
        ("Total", display(invoice["total"], currency)),
        ("Amount due", display(invoice["amount_remaining"], currency)),
    ]
    return [(name, value) for name, value in found if value]


def row(line: Document) -> tuple[str, str, str]:
    """A line's description, quantity and amount."""
    return line["description"] or "", str(line["quantity_decimal"] or ""), display(line["amount"], line["currency"])


def _day(moment: int | None) -> str | None:
    return datetime.fromtimestamp(moment, UTC).strftime("%d %B %Y") if moment else None
