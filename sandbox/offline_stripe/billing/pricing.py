"""The amount of an invoice item, from a price, inline price data or a bare amount.

It computes with the unit amount and the quantity, and knows no invoice.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from offline_stripe.billing.currencies import check_amount, check_currency, check_most
from offline_stripe.billing.tax_codes import checked_tax_code
from offline_stripe.documents import Document
from offline_stripe.shapes import catalog as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request, parameter_missing

_WAYS = ("pricing", "price_data", "amount", "unit_amount_decimal")


@dataclass(frozen=True, slots=True)
class Priced:
    """What an item costs: its amount, and the price behind it."""

    amount: int
    currency: str
    pricing: Document
    quantity: Decimal
    description: str | None


def price_item(tx: Transaction, sent: Document, *, currency: str | None, quantity: Decimal | None = None) -> Priced:
    """Price an item. `currency` is the invoice's or the customer's, if that is decided already."""
    ways = [way for way in _WAYS if way in sent]
    if len(ways) > 1:
        listed = ", ".join(f"`{way}`" for way in ways)
        raise invalid_request(f"You may only specify one of these parameters: {listed}.", param=ways[1])
    if not ways:
        raise invalid_request("You must specify one of `amount`, `pricing`, `price_data` or `unit_amount_decimal`.")
    quantity = quantity_of(sent, quantity)
    if ways[0] == "amount" and ("quantity" in sent or "quantity_decimal" in sent):
        raise invalid_request("You may only specify one of these parameters: amount, quantity.", param="quantity")
    price = _price(tx, sent, ways[0], currency)
    price = in_currency(price, currency)
    return Priced(
        amount=amount_for(price, quantity),
        currency=price["currency"],
        pricing={
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        quantity=quantity,
        description=sent.get("description") or _product_name(tx, price, ways[0]),
    )


def in_currency(price: Document, currency: str | None) -> Document:
    """The price in this currency, if it has one. Raises StripeError if it does not."""
    if currency is None or price["currency"] == currency:
        return price
    option = price.get("_currency_options", {}).get(currency)
    if option is None:
        raise invalid_request(
            f"The specified price only supports `{price['currency']}`. This doesn't match the expected currency:"
            f" `{currency}`."
        )
    return {**price, **option, "currency": currency, "_tiers": option.get("tiers")}


def quantity_of(sent: Document, default: Decimal | None = None) -> Decimal:
    if "quantity" in sent and "quantity_decimal" in sent:
        raise invalid_request("You may only specify one of these parameters: quantity, quantity_decimal.")
    given = sent.get("quantity", sent.get("quantity_decimal", default))
    quantity = Decimal(1) if given is None else Decimal(str(given))
    if quantity < 0:
        name = "quantity" if "quantity" in sent else "quantity_decimal"
        raise invalid_request(
            "This value must be greater than or equal to 0.", code="parameter_invalid_integer", param=name
        )
    return quantity


def _price(tx: Transaction, sent: Document, way: str, currency: str | None) -> Document:
    if way == "pricing":
        if "price" not in sent["pricing"]:
            raise parameter_missing("pricing[price]")
        return _existing_price(tx, sent["pricing"]["price"])
    if way == "price_data":
        return _inline_price(tx, sent["price_data"])
    chosen = sent.get("currency") or currency
    if not chosen:
        raise parameter_missing("currency")
    unit = Decimal(sent[way])
    chosen = check_currency(chosen)
    if way == "amount":
        check_amount(sent["amount"], chosen)
    product = one_off_product(tx, {"name": sent.get("description") or "Invoice item"})
    return one_off_price(tx, product["id"], chosen, unit, sent.get("tax_behavior"))


def _existing_price(tx: Transaction, identifier: str) -> Document:
    price = tx.need("price", identifier, param="pricing[price]")
    if not price["active"]:
        raise invalid_request(
            "The price specified is inactive. This field only accepts active prices.", param="pricing[price]"
        )
    if price["type"] == "recurring":
        raise invalid_request(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param="pricing[price]",
        )
    return price


def _inline_price(tx: Transaction, data: Document) -> Document:
    if "unit_amount" in data and "unit_amount_decimal" in data:
        raise invalid_request("You may only specify one of these parameters: unit_amount, unit_amount_decimal.")
    if "unit_amount" not in data and "unit_amount_decimal" not in data:
        raise parameter_missing("price_data[unit_amount]")
    if "product_data" in data:
        product = one_off_product(tx, data["product_data"])["id"]
    elif "product" in data:
        product = tx.need("product", data["product"], param="price_data[product]")["id"]
    else:
        raise parameter_missing("price_data[product]")
    unit = Decimal(str(data.get("unit_amount", data.get("unit_amount_decimal"))))
    currency = check_currency(data["currency"], "price_data[currency]")
    return one_off_price(tx, product, currency, unit, data.get("tax_behavior"))


def one_off_product(tx: Transaction, data: Document) -> Document:
    """Create the product that Stripe makes for an inline item: archived, and without an event."""
    return tx.add(
        shapes.product(
            id=data.get("id") or tx.new_id("prod"),
            active=False,
            created=tx.now,
            updated=tx.now,
            name=data["name"],
            description=data.get("description"),
            images=data.get("images", []),
            metadata=data.get("metadata", {}),
            statement_descriptor=data.get("statement_descriptor"),
            tax_code=checked_tax_code(data.get("tax_code")),
            unit_label=data.get("unit_label"),
        )
    )


def one_off_price(tx: Transaction, product: str, currency: str, unit: Decimal, tax_behavior: str | None) -> Document:
    check_most(unit // 1, currency)
    return tx.add(
        shapes.price(
            id=tx.new_id("price"),
            active=False,
            created=tx.now,
            currency=currency,
            product=product,
            tax_behavior=tax_behavior or "unspecified",
            unit_amount=whole(unit),
            unit_amount_decimal=plain(unit),
        )
    )


def _product_name(tx: Transaction, price: Document, way: str) -> str | None:
    if way in {"amount", "unit_amount_decimal"}:
        return None
    product = tx.get("product", price["product"])
    return product["name"] if product else None


def amount_for(price: Document, quantity: Decimal) -> int:
    """The amount of `quantity` units at this price, rounded half up to the smallest unit."""
    units = _transformed(price["transform_quantity"], quantity)
    if price["billing_scheme"] == "tiered":
        return rounded(_tiered(price, units))
    if price["unit_amount_decimal"] is None:
        raise invalid_request("Prices with a custom amount cannot be used on invoices.", param="pricing[price]")
    return rounded(Decimal(price["unit_amount_decimal"]) * units)


def _transformed(transform: Document | None, quantity: Decimal) -> Decimal:
    if not transform:
        return quantity
    direction = ROUND_CEILING if transform["round"] == "up" else ROUND_FLOOR
    return (quantity / Decimal(transform["divide_by"])).to_integral_value(direction)


def _tiered(price: Document, units: Decimal) -> Decimal:
    total, floor = Decimal(0), Decimal(0)
    for tier in price["_tiers"]:
        ceiling = Decimal(tier["up_to"]) if tier["up_to"] is not None else None
        last = ceiling is None or units <= ceiling
        if price["tiers_mode"] == "volume":
            if last:
                return _tier_cost(tier, units)
            continue
        total += _tier_cost(tier, (units if last else ceiling or units) - floor)
        if last:
            return total
        floor = ceiling or floor
    return total


def _tier_cost(tier: Document, units: Decimal) -> Decimal:
    return Decimal(tier["unit_amount_decimal"] or 0) * units + Decimal(tier["flat_amount_decimal"] or 0)


def rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def whole(amount: Decimal) -> int | None:
    """The integer form of a unit amount, null when it has a fraction."""
    return int(amount) if amount == amount.to_integral_value() else None


def plain(amount: Decimal) -> str:
    """A decimal as Stripe prints it: no exponent, no trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
