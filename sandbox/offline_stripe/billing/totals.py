"""An invoice's totals: discounts, taxes and sums of its lines.

A line is discounted by its own discounts, then by the invoice's, then taxed. Others decide whether an invoice can
change.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from offline_stripe.billing import automatic_tax
from offline_stripe.billing.currencies import chargeable
from offline_stripe.billing.pricing import rounded
from offline_stripe.billing.shipping import behavior_of
from offline_stripe.documents import Document, copied
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request


@dataclass(slots=True)
class Sums:
    """The sums of the lines, by discount and by tax rate where Stripe shows a list."""

    subtotal: int = 0
    line_discounts: int = 0
    invoice_discounts: int = 0
    inclusive: int = 0
    exclusive: int = 0
    by_discount: dict[str, int] = field(default_factory=dict)
    taxes: dict[tuple[str, str, str], Document] = field(default_factory=dict)


def recompute(tx: Transaction, invoice: Document) -> None:
    """Update a draft's amounts from its lines."""
    lines = tx.where("line_item", invoice=invoice["id"])
    _require_one_way_of_taxing(invoice, lines)
    sums = Sums()
    nets = _discount_lines(tx, invoice, lines, sums)
    for line, net in zip(lines, nets, strict=True):
        taxes = _line_taxes(tx, invoice, line, net)
        if line.get("_tax_amounts") is None:
            taxes = [{**tax, "amount": chargeable(tax["amount"], invoice["currency"])} for tax in taxes]
        if taxes != line["taxes"]:
            line["taxes"] = taxes
            tx.save(line)
        add_taxes(sums, taxes)
        sums.subtotal += line["amount"]
    if invoice["shipping_cost"]:
        _tax_shipping(tx, invoice, sums)
    _write(invoice, sums)
    invoice["automatic_tax"]["status"] = automatic_tax.status_of(tx, invoice)
    tx.save(invoice)


def _require_one_way_of_taxing(invoice: Document, lines: list[Document]) -> None:
    """Refuse what Stripe's SDK says cannot be combined: stated amounts of tax, rates, and automatic tax."""
    automatic, rated = invoice["automatic_tax"]["enabled"], any(line.get("_tax_rates") for line in lines)
    if any(line.get("_tax_amounts") for line in lines) and (automatic or rated or invoice["default_tax_rates"]):
        raise invalid_request(
            "You cannot set tax amounts if any line item has tax rates, or if the invoice has default tax rates or uses"
            " automatic tax."
        )
    if automatic and (rated or any(line["amount"] < 0 for line in lines)):
        raise invalid_request(
            "Invoice items with tax rates or negative amounts cannot be on an invoice with automatic tax."
        )


def _tax_shipping(tx: Transaction, invoice: Document, sums: Sums) -> None:
    """Tax the shipping, which only automatic tax does. The totals list it with the other taxes."""
    cost = invoice["shipping_cost"]
    behavior = behavior_of(tx, cost, invoice["currency"])
    taxes = automatic_tax.shipping_taxes(tx, invoice, behavior) if invoice["automatic_tax"]["enabled"] else []
    add_taxes(sums, taxes)
    cost["amount_tax"] = sum(tax["amount"] for tax in taxes)
    added = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    cost["amount_total"] = cost["amount_subtotal"] + added
    cost["taxes"] = [
        {
            "amount": tax["amount"],
            "rate": copied(tx.need("tax_rate", tax["tax_rate_details"]["tax_rate"], param="tax_rate")),
            "taxability_reason": tax["taxability_reason"],
            "taxable_amount": tax["taxable_amount"],
        }
        for tax in taxes
    ]


def _write(invoice: Document, sums: Sums) -> None:
    shipping = invoice["shipping_cost"]["amount_subtotal"] if invoice["shipping_cost"] else 0
    subtotal = sums.subtotal - sums.line_discounts
    total = subtotal - sums.invoice_discounts + sums.exclusive + shipping
    invoice |= {
        "amount_shipping": shipping,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - sums.inclusive,
        "total": total,
        "total_excluding_tax": total - sums.exclusive - sums.inclusive,
        "total_discount_amounts": (discounts := _discounts_listed(sums.by_discount)),
        "total_pretax_credit_amounts": pretax(discounts),
        "total_taxes": list(sums.taxes.values()),
        "amount_due": max(0, total),
        "amount_remaining": max(0, total),
    }


def _discounts_listed(by_discount: dict[str, int]) -> list[Document]:
    return [{"amount": amount, "discount": discount} for discount, amount in by_discount.items()]


def pretax(discounts: list[Document]) -> list[Document]:
    """`pretax_credit_amounts`: what is taken off before tax, which here is discounts alone."""
    return [{**each, "type": "discount"} for each in discounts]


def _discount_lines(tx: Transaction, invoice: Document, lines: list[Document], sums: Sums) -> list[int]:
    """Each line's amount after every discount."""
    nets = [line["amount"] for line in lines]
    given: list[dict[str, int]] = [{} for _ in lines]
    for index, line in enumerate(lines):
        for identifier in line["discounts"]:
            coupon = _coupon(tx, identifier)
            [off] = _shares(coupon, [nets[index] if _covers(coupon, line) else 0], invoice["currency"])
            nets[index] -= off
            given[index][identifier] = off
            sums.line_discounts += off
    for identifier in invoice["discounts"]:
        coupon = _coupon(tx, identifier)
        eligible = [
            net if line["discountable"] and _covers(coupon, line) else 0 for net, line in zip(nets, lines, strict=True)
        ]
        for index, off in enumerate(_shares(coupon, eligible, invoice["currency"])):
            if off:
                nets[index] -= off
                given[index][identifier] = given[index].get(identifier, 0) + off
                sums.invoice_discounts += off
        sums.by_discount.setdefault(identifier, 0)
    for line, amounts in zip(lines, given, strict=True):
        for identifier, off in amounts.items():
            sums.by_discount[identifier] = sums.by_discount.get(identifier, 0) + off
        if (listed := _discounts_listed(amounts)) != line["discount_amounts"]:
            line |= {"discount_amounts": listed, "pretax_credit_amounts": pretax(listed)}
            tx.save(line)
    return nets


def _coupon(tx: Transaction, identifier: str) -> Document | None:
    """What a discount takes off, as its coupon was when it was redeemed."""
    discount = tx.get("discount", identifier)
    return discount["_coupon"] if discount else None


def _covers(coupon: Document | None, line: Document) -> bool:
    """Whether a coupon applies to the line's product."""
    products = coupon and coupon.get("_applies_to")
    return not products or line["pricing"]["price_details"]["product"] in products


def _shares(coupon: Document | None, amounts: list[int], currency: str) -> list[int]:
    """The amount that a coupon takes off each amount."""
    if coupon is None:
        return [0] * len(amounts)
    if coupon["percent_off"] is not None:
        share = Decimal(str(coupon["percent_off"])) / 100
        return [max(0, rounded(amount * share)) for amount in amounts]
    options = {coupon["currency"]: coupon["amount_off"], **(coupon.get("_currency_options") or {})}
    if currency not in options:
        return [0] * len(amounts)
    return _spread(options[currency], [max(0, amount) for amount in amounts])


def _spread(amount: int, weights: list[int]) -> list[int]:
    """Split an amount in proportion to `weights`, exactly; the result never exceeds their sum."""
    total = sum(weights)
    amount = min(amount, total)
    if not amount:
        return [0] * len(weights)
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(amount * weights[i] % total))
    for index in by_remainder[: amount - sum(shares)]:
        shares[index] += 1
    return shares


def _line_taxes(tx: Transaction, invoice: Document, line: Document, net: int) -> list[Document]:
    if line.get("_tax_amounts") is not None:
        return list(line["_tax_amounts"])
    if invoice["automatic_tax"]["enabled"]:
        return automatic_tax.line_taxes(tx, invoice, line, net)
    identifiers = line.get("_tax_rates") or [rate["id"] for rate in invoice["default_tax_rates"]]
    rates = [rate for identifier in identifiers if (rate := tx.get("tax_rate", identifier))]
    customer = tx.get("customer", invoice["customer"]) if invoice["customer"] else None
    exempt = customer is not None and customer["tax_exempt"] != "none"
    reason = "not_available"
    if exempt and customer is not None:
        reason = "reverse_charge" if customer["tax_exempt"] == "reverse" else "customer_exempt"
    return taxes_at(rates, net, reason, exempt=exempt)


def taxes_at(rates: list[Document], net: int, reason: str = "not_available", *, exempt: bool = False) -> list[Document]:
    """The taxes on an amount at these rates."""
    inclusive = sum(Decimal(str(rate["percentage"])) for rate in rates if rate["inclusive"])
    base = Decimal(net) / (1 + Decimal(inclusive) / 100)
    return [_tax(rate, base, reason, exempt=exempt) for rate in rates]


def _tax(rate: Document, base: Decimal, reason: str, *, exempt: bool) -> Document:
    amount = 0 if exempt else rounded(base * Decimal(str(rate["percentage"])) / 100)
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason,
        "taxable_amount": rounded(base),
        "type": "tax_rate_details",
    }


def add_taxes(sums: Sums, taxes: list[Document]) -> None:
    """Add taxes to the sums: one entry for each rate and reason."""
    for tax in taxes:
        if tax["tax_behavior"] == "inclusive":
            sums.inclusive += tax["amount"]
        else:
            sums.exclusive += tax["amount"]
        key = (tax["tax_rate_details"]["tax_rate"], tax["tax_behavior"], tax["taxability_reason"])
        total = sums.taxes.setdefault(key, {**tax, "amount": 0, "taxable_amount": 0})
        total["amount"] += tax["amount"]
        total["taxable_amount"] += tax["taxable_amount"]
