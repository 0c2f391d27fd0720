"""What people read of an invoice's items, and of what lies between them, the total and the amount due. Pure."""

from functools import lru_cache, partial
from typing import Any

from app.domain.json import JsonObject, JsonView
from app.domain.totals import added, balance_applied, credits_granted
from app.languages.language import Language, translatable

SEVERAL = translatable("%(item)s × %(quantity)s")  # noqa: RUF001 -- the sign of multiplication


NO_NAMES: JsonObject = {"tax_rates": {}, "account_tax_ids": [], "discounts": {}}
UNTAXED = frozenset({"reverse_charge", "customer_exempt", "product_exempt", "not_collecting", "not_subject_to_tax"})
"""Reasons of Stripe's why a tax is nothing, so that its rate was not applied."""


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
    shipping = language.text(translatable("Shipping"))
    names = invoice.get("names") or NO_NAMES
    taken = [
        (_discount(names["discounts"].get(it["discount"]), language), -it["amount"]) for it in invoice["discounts"]
    ]
    lines = [(label, amount) for label, amount in taken if amount]
    if granted := credits_granted(invoice):
        lines.append((language.text(translatable("Credit")), -granted))
    if invoice["amount_shipping"]:
        lines.append((shipping, invoice["amount_shipping"]))
    lines += [(_label(invoice, tax, names["tax_rates"], language), tax["amount"]) for tax in invoice["taxes"]]
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


def notes(invoice: JsonView, language: Language) -> list[str]:
    """What the law wants said where no tax is charged: that the recipient owes it, or is exempt."""
    reasons = {tax["reason"] for tax in invoice["taxes"]} | {invoice["customer_tax_exempt"]}
    said = []
    if reasons & {"reverse_charge", "reverse"}:
        said.append(language.text(translatable("Reverse charge: the recipient owes the tax.")))
    if reasons & {"customer_exempt", "exempt"}:
        said.append(language.text(translatable("No tax is charged: the recipient is exempt.")))
    return said


def sellers_tax_ids(invoice: JsonView) -> list[str]:
    """The merchant's tax ids that are printed on the invoice, as far as they are known."""
    return [one["value"] for one in (invoice.get("names") or NO_NAMES)["account_tax_ids"] if one["value"]]


def _discount(name: str | None, language: Language) -> str:
    if name is None:
        return language.text(translatable("Discount"))
    return language.text(translatable("Discount: %(name)s"), name=name)


def _label(invoice: JsonView, tax: JsonView, rates: JsonView, language: Language) -> str:
    """A tax with its rate and what it is computed of: "VAT 19 % on 100,00 €"."""
    rate = rates.get(tax["tax_rate"]) or {}
    name = tax["label"] or rate.get("display_name") or language.text(translatable("Tax"))
    percentage = tax["percentage"] if tax["percentage"] is not None else rate.get("percentage")
    if percentage is not None and tax["reason"] not in UNTAXED:
        name = language.text(translatable("%(tax)s %(percentage)s"), tax=name, percentage=language.percent(percentage))
        if tax["taxable_amount"] is not None:
            base = language.money(tax["taxable_amount"], invoice["currency"])
            name = language.text(translatable("%(tax)s on %(base)s"), tax=name, base=base)
    return language.text(translatable("%(tax)s (included)"), tax=name) if tax["inclusive"] else name


@lru_cache
def functions(language: Language) -> dict[str, Any]:
    """What templates about invoices are given."""
    lines = {it.__name__: partial(it, language=language) for it in (adjustments, notes, until_due, what)}
    return {**language.functions, **lines, "quantity": quantity, "sellers_tax_ids": sellers_tax_ids}
