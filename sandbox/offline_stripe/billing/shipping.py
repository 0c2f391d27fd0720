"""Shipping rates, and what one costs on an invoice in the invoice's currency. `billing.totals` taxes it."""

from offline_stripe.billing.currencies import check_currency
from offline_stripe.billing.tax_codes import checked_tax_code
from offline_stripe.documents import Document
from offline_stripe.shapes import shipping as shapes
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import invalid_request, parameter_missing

RATE = (
    "delivery_estimate{maximum minimum} display_name fixed_amount{amount currency currency_options} metadata"
    " tax_behavior tax_code type=fixed_amount"
)
SHIPPING_COST = f"shipping_rate shipping_rate_data{{{RATE}}}"
"""What of a `shipping_cost` parameter has an effect."""


def make_rate(tx: Transaction, sent: Document, path: str = "") -> Document:
    """Create a shipping rate. Raises StripeError for a rate without an amount, or with a wrong one."""

    def named(name: str) -> str:
        first, _, rest = name.partition("[")
        return f"{path}[{first}]{f'[{rest}' if rest else ''}" if path else name

    fixed = sent.get("fixed_amount")
    if fixed is None:
        raise parameter_missing(named("fixed_amount"))
    currency = check_currency(fixed["currency"], named("fixed_amount[currency]"))
    options = {
        check_currency(name, named("fixed_amount[currency_options]")): _option(option)
        for name, option in fixed.get("currency_options", {}).items()
    }
    behavior = sent.get("tax_behavior", "unspecified")
    options[currency] = {"amount": fixed["amount"], "tax_behavior": behavior}
    if any(option["amount"] < 0 for option in options.values()):
        raise invalid_request("This value must be greater than or equal to 0.", param=named("fixed_amount[amount]"))
    return tx.add(
        shapes.shipping_rate(
            id=tx.new_id("shr"),
            created=tx.now,
            delivery_estimate=_estimate(sent.get("delivery_estimate")),
            display_name=sent["display_name"],
            fixed_amount={"amount": fixed["amount"], "currency": currency},
            metadata=merged_metadata({}, sent.get("metadata", {})),
            tax_behavior=behavior,
            tax_code=checked_tax_code(sent.get("tax_code")),
            _options=options,
        )
    )


def _option(sent: Document) -> Document:
    return {"amount": sent["amount"], "tax_behavior": sent.get("tax_behavior", "unspecified")}


def _estimate(sent: Document | None) -> Document | None:
    return {"maximum": sent.get("maximum"), "minimum": sent.get("minimum")} if sent else None


def change_options(tx: Transaction, rate: Document, sent: Document) -> None:
    """Change what the rate costs in other currencies than its own."""
    for name, option in sent.items():
        currency = check_currency(name, "fixed_amount[currency_options]")
        if currency == rate["fixed_amount"]["currency"]:
            raise invalid_request("The amount of a shipping rate cannot be changed.", param="fixed_amount")
        known = rate["_options"].get(currency, {"tax_behavior": "unspecified"})
        rate["_options"][currency] = {**known, **option}
        if "amount" not in rate["_options"][currency]:
            raise parameter_missing(f"fixed_amount[currency_options][{currency}][amount]")
    tx.save(rate)


def cost_from(tx: Transaction, sent: Document | None, currency: str) -> Document | None:
    """`shipping_cost` of an invoice; None if there is none."""
    if not sent:
        return None
    if "shipping_rate" in sent:
        rate = tx.need("shipping_rate", sent["shipping_rate"], param="shipping_cost[shipping_rate]")
    elif "shipping_rate_data" in sent:
        rate = make_rate(tx, sent["shipping_rate_data"], "shipping_cost[shipping_rate_data]")
    else:
        raise parameter_missing("shipping_cost[shipping_rate]")
    if not rate["active"]:
        raise invalid_request("The shipping rate is not active.", param="shipping_cost[shipping_rate]")
    option = rate["_options"].get(currency)
    if option is None:
        raise invalid_request(
            f"The shipping rate only supports `{rate['fixed_amount']['currency']}`. This doesn't match the expected"
            f" currency: `{currency}`.",
            param="shipping_cost",
        )
    return shapes.shipping_cost(amount=option["amount"], rate=rate["id"])


def behavior_of(tx: Transaction, cost: Document, currency: str) -> str:
    """Whether the shipping cost includes its tax."""
    rate = tx.get("shipping_rate", cost["shipping_rate"])
    return str(rate["_options"][currency]["tax_behavior"]) if rate else "unspecified"
