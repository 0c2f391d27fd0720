"""What people read of an invoice's items and of what lies between them and the total. Pure."""

from functools import lru_cache, partial
from typing import Any

from app.domain.json import JsonView
from app.languages.language import Language, translatable

SEVERAL = translatable("%(item)s × %(quantity)s")  # noqa: RUF001 -- the sign of multiplication


def quantity(item: JsonView) -> str:
    """An item's quantity in full; empty if it has none."""
    found = item["quantity_decimal"] if item["quantity_decimal"] is not None else item["quantity"]
    return "" if found is None else str(found)


def what(item: JsonView, language: Language) -> str:
    """What an item is, with its quantity where it is not one."""
    name = item["description"] or language.text(translatable("Item"))
    many = quantity(item)
    return name if many in {"", "1"} else language.text(SEVERAL, item=name, quantity=language.number(many))


def adjustments(invoice: JsonView, language: Language) -> list[tuple[str, int]]:
    """The lines between the items and the total, each with its label and amount.

    All but those of inclusive taxes, which say that they are included, add up with the items to the total.
    """
    discount, shipping = language.text(translatable("Discount")), language.text(translatable("Shipping"))
    lines = [(discount, -it["amount"]) for it in invoice["discounts"] if it["amount"]]
    if invoice["amount_shipping"]:
        lines.append((shipping, invoice["amount_shipping"]))
    lines += [(_label(tax, language), tax["amount"]) for tax in invoice["taxes"]]
    shown = sum(amount for label, amount in lines) - sum(tax["amount"] for tax in invoice["taxes"] if tax["inclusive"])
    rest = invoice["total"] - sum(item["amount"] for item in invoice["items"]) - shown
    if rest:
        lines.append((language.text(translatable("Other discounts and taxes")), rest))
    return lines


def _label(tax: JsonView, language: Language) -> str:
    name = tax["label"] or language.text(translatable("Tax"))
    if tax["percentage"] is not None:
        name = language.text(
            translatable("%(tax)s %(percentage)s"), tax=name, percentage=language.percent(tax["percentage"])
        )
    return language.text(translatable("%(tax)s (included)"), tax=name) if tax["inclusive"] else name


@lru_cache
def functions(language: Language) -> dict[str, Any]:
    """What templates about invoices are given."""
    lines = {"adjustments": partial(adjustments, language=language), "what": partial(what, language=language)}
    return {**language.functions, **lines, "quantity": quantity}
