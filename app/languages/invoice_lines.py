"""What people read of an invoice's items, and of what lies between them, the total and the amount due. Pure."""

from functools import lru_cache, partial
from typing import Any

from app.domain.json import JsonView
from app.domain.totals import added, balance_applied, credits_granted
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
    if granted := credits_granted(invoice):
        lines.append((language.text(translatable("Credit")), -granted))
    if invoice["amount_shipping"]:
        lines.append((shipping, invoice["amount_shipping"]))
    lines += [(_label(tax, language), tax["amount"]) for tax in invoice["taxes"]]
    rest = invoice["total"] - sum(item["amount"] for item in invoice["items"]) - added(invoice)
    if rest:
        lines.append((language.text(translatable("Other discounts and taxes")), rest))
    return lines


def until_due(invoice: JsonView, language: Language) -> list[tuple[str, int]]:
    """The lines between the total and the amount due, each with its label and amount. They add up with the total to it."""
    lines = [
        (language.text(translatable("Balance applied")), balance_applied(invoice)),
        (language.text(translatable("Credit notes")), -(invoice["pre_payment_credit_notes_amount"] or 0)),
    ]
    return [(label, amount) for label, amount in lines if amount]


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
    lines = {one.__name__: partial(one, language=language) for one in (adjustments, until_due, what)}
    return {**language.functions, **lines, "quantity": quantity}
