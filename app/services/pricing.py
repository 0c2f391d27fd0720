"""Owns how the items of a request become Stripe's line parameters, and that they agree on one currency."""

from collections.abc import Sequence

from app.db.engine import Database
from app.db.models import Price
from app.db.records import load
from app.domain.errors import ValidationFailed
from app.domain.json import JsonObject, JsonView
from app.services.writing import cleared

LINE_FIELDS = ("amount", "quantity", "description", "price_data")


def line(item: JsonView) -> JsonObject:
    """One item (ItemCreate or ItemUpdate) as a line of Stripe's add_lines and update_lines."""
    wanted = {name: cleared(item[name]) for name in LINE_FIELDS if name in item}
    if item.get("metadata"):
        wanted["metadata"] = {key: cleared(value) for key, value in item["metadata"].items()}
    if "price" in item:
        wanted["pricing"] = {"price": item["price"]}
    return wanted


async def one_currency(database: Database, items: Sequence[JsonView], stated: str | None) -> str | None:
    """The currency of an invoice with `items`, or None where neither they nor `stated` say one.

    Raises ValidationFailed, naming the item, where they do not agree. Prices that are not known here are left to
    Stripe to judge.
    """
    async with database.connection() as connection:
        prices = await load(connection, Price, {item["price"] for item in items if item.get("price")})
    currency = stated
    for index, item in enumerate(items):
        own = item.get("currency") or (item.get("price_data") or {}).get("currency")
        own = own or prices.get(item.get("price", ""), {}).get("currency")
        if own and currency and own != currency:
            raise ValidationFailed(
                f"Item {index} is in {own}, the invoice in {currency}: an invoice has one currency.",
                param=f"items[{index}]",
            )
        currency = currency or own
    return currency
