"""How the amounts of an invoice, as it is shown, follow from each other. Pure."""

from collections.abc import Iterable

from app.domain.json import JsonView

CREDIT_GRANT = "credit_balance_transaction"
"""What is taken off before tax and is no discount: a credit that the merchant granted."""


def credits_granted(invoice: JsonView) -> int:
    """What granted credits take off the items."""
    return _sum(one for one in invoice["total_pretax_credit_amounts"] if one["type"] == CREDIT_GRANT)


def balance_applied(invoice: JsonView) -> int:
    """What the customer's balance adds to the total: a credit is negative. 0 until the invoice is finalized."""
    before, after = invoice["starting_balance"], invoice["ending_balance"]
    return 0 if before is None or after is None else before - after


def added(invoice: JsonView) -> int:
    """What discounts, credits, shipping and taxes add to the items. An inclusive tax is part of the items already."""
    exclusive = _sum(tax for tax in invoice["taxes"] if not tax["inclusive"])
    return exclusive + (invoice["amount_shipping"] or 0) - _sum(invoice["discounts"]) - credits_granted(invoice)


def unexplained(invoice: JsonView) -> dict[str, int]:
    """The amounts that do not follow from the others that are shown, and what each has too much; empty if all do.

    What an older document does not say (null) is not judged.
    """
    items, total, due = invoice["items"], invoice["total"], invoice["amount_due"]
    discounted = [(one["discount"] in item["discounts"], one) for item in items for one in item["discount_amounts"]]
    differences = {
        "subtotal": invoice["subtotal"] - _sum(items) + _sum(one for own, one in discounted if own),
        "discounts": _sum(invoice["discounts"]) - _sum(one for _, one in discounted),
        "total": total - _sum(items) - added(invoice),
    }
    if invoice["total_excluding_tax"] is not None:
        differences["total_excluding_tax"] = invoice["total_excluding_tax"] - total + _sum(invoice["taxes"])
    if invoice["ending_balance"] is not None:
        credited = invoice["pre_payment_credit_notes_amount"] or 0
        differences["amount_due"] = due - total - balance_applied(invoice) + credited
    elif invoice["starting_balance"] is not None:
        differences["amount_due"] = due - max(0, total + invoice["starting_balance"])
    if invoice["amount_overpaid"] is not None and invoice["status"] != "paid":
        left = due - invoice["amount_paid"] + invoice["amount_overpaid"]
        differences["amount_remaining"] = invoice["amount_remaining"] - left
    return {name: rest for name, rest in differences.items() if rest}


def _sum(amounts: Iterable[JsonView]) -> int:
    return sum(one["amount"] for one in amounts)
