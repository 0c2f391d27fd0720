"""What people read of an invoice's items and of what lies between them and the total. Pure."""

from app.domain.json import JsonView


def quantity(item: JsonView) -> str:
    """An item's quantity in full; empty if it has none."""
    found = item["quantity_decimal"] if item["quantity_decimal"] is not None else item["quantity"]
    return "" if found is None else str(found)


def adjustments(invoice: JsonView) -> list[tuple[str, int]]:
    """The lines between the items and the total, each with its label and amount.

    All but those of inclusive taxes, which say that they are included, add up with the items to the total.
    """
    lines = [("Discount", -discount["amount"]) for discount in invoice["discounts"] if discount["amount"]]
    if invoice["amount_shipping"]:
        lines.append(("Shipping", invoice["amount_shipping"]))
    lines += [(_label(tax), tax["amount"]) for tax in invoice["taxes"]]
    shown = sum(amount for label, amount in lines) - sum(tax["amount"] for tax in invoice["taxes"] if tax["inclusive"])
    rest = invoice["total"] - sum(item["amount"] for item in invoice["items"]) - shown
    if rest:
        lines.append(("Other discounts and taxes", rest))
    return lines


def _label(tax: JsonView) -> str:
    name = tax["label"] or "Tax"
    rate = f" {tax['percentage']}%" if tax["percentage"] is not None else ""
    return f"{name}{rate} (included)" if tax["inclusive"] else f"{name}{rate}"
