"""Turns the items of a request into Stripe's line parameters, and checks their currency."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from app.db import schema
from app.db.engine import Database
from app.db.rows import load
from app.domain.errors import StripeInvalidRequest, ValidationFailed
from app.domain.json import JsonObject, JsonView
from app.domain.money import problem_with_amount
from app.invoices.item_schemas import ItemCreate, ItemFields
from app.stripe.client import StripeGateway
from app.stripe.parameters import field_of, stripe_parameters


def line(schema: type[ItemFields], item: JsonView) -> JsonObject:
    """An item (ItemCreate or ItemUpdate) as a line of Stripe's add_lines and update_lines.

    A line has no price for each unit and no tax code of its own: such an item gets a product, called by its description.
    """
    wanted = stripe_parameters(schema, item)
    price = wanted.get("price_data")
    if price and not item.get("price_data"):
        price["currency"] = item["currency"]
        price["product_data"] = {**price.get("product_data", {}), "name": item["description"]}
        if "amount" in wanted:
            price["unit_amount"] = wanted.pop("amount")
    return wanted


@contextmanager
def blamed(items: Sequence[JsonView], place: str = "items[{}].") -> Iterator[None]:
    """Name the field of the item that Stripe refuses, at `place`.

    Stripe says `lines[2][pricing][price]`, or `pricing[price]` alone: then it is the item whose price the message names.
    """
    try:
        yield
    except StripeInvalidRequest as error:
        param = error.param or ""
        found = re.match(r"(?:lines|invoice_items)\[([0-9]+)\]", param)
        field = field_of(ItemCreate, param[found.end() if found else 0 :])
        if found or re.split(r"[.\[]", field)[0] in ItemCreate.model_fields:
            named = (at for at, item in enumerate(items) if item.get("price") and str(item["price"]) in error.detail)
            error.param = place.format(found[1] if found else next(named, 0)) + field
        elif param in {"lines", "invoice_items"}:
            error.param = "items"
        raise


async def one_currency(
    database: Database, gateway: StripeGateway, items: Sequence[JsonView], stated: str | None
) -> str | None:
    """The currency of an invoice with `items`; None if neither they nor `stated` name one.

    Raises ValidationFailed, which names the item, if they differ. Prices not known here are left to Stripe.
    """
    prices = await _prices(database, items)
    currency = stated
    for index, item in enumerate(items):
        _, own = _priced(item, prices)
        if own and currency and own != currency and not await _has_option(gateway, item, currency):
            raise ValidationFailed(
                f"Item {index} is in {own}, the invoice in {currency}: an invoice has one currency.",
                param=f"items[{index}]",
            )
        currency = currency or own
    return currency


async def fits(database: Database, gateway: StripeGateway, change: JsonView, currency: str) -> None:
    """Check that `change` (ItemUpdate) fits an invoice in `currency`. Raises ValidationFailed."""
    field, own = _priced(change, await _prices(database, [change]))
    if own and own != currency and not await _has_option(gateway, change, currency):
        raise ValidationFailed(
            f"{field} is in {own}, the invoice in {currency}: an invoice has one currency.", param=field
        )
    problem = "amount" in change and problem_with_amount(change["amount"], currency)
    if problem:
        raise ValidationFailed(f"amount {problem}", param="amount")


async def _has_option(gateway: StripeGateway, item: JsonView, currency: str) -> bool:
    """Whether the item's price can be had in `currency`, too. Stripe says that only of one price, asked for it."""
    if not item.get("price"):
        return False
    with suppress(StripeInvalidRequest):  # the call that needs the price says what is wrong with it
        price = (await gateway.get(f"/v1/prices/{item['price']}", {"expand": ["currency_options"]})).data
        return currency in (price.get("currency_options") or {})
    return True


async def _prices(database: Database, items: Sequence[JsonView]) -> Mapping[str, JsonObject]:
    wanted = {item["price"] for item in items if item.get("price")}
    if not wanted:
        return {}
    async with database.connection() as connection:
        return await load(connection, schema.prices, wanted)


def _priced(item: JsonView, prices: Mapping[str, JsonObject]) -> tuple[str, str | None]:
    """The field of `item` that decides its currency, and the currency if it is known."""
    if item.get("price_data"):
        return "price_data", item["price_data"]["currency"]
    if item.get("price"):
        return "price", prices.get(item["price"], {}).get("currency")
    return "currency", item.get("currency")
