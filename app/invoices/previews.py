"""Previews: what Stripe would bill, as it computes it now. Nothing is stored, neither here nor at Stripe."""

import uuid
from typing import Annotated

import msgspec

from app.db.engine import Database
from app.domain.errors import ValidationFailed
from app.domain.json import JsonObject, JsonView
from app.domain.targets import To
from app.http.schemas import StripeId
from app.http.stripe_schemas import TaxBehavior
from app.invoices.item_schemas import ItemCreate
from app.invoices.preview_schemas import NOT_MADE, SHOWN, InvoicePreview
from app.invoices.pricing import blamed, one_currency
from app.stripe.client import StripeGateway
from app.stripe.mapping import FIELDS, ITEM, Kind
from app.stripe.parameters import named_as, stripe_parameters

PATH = "/v1/invoices/create_preview"


class PreviewedItem(ItemCreate):
    """An item as a preview takes it: unlike a line, it may have an amount for each unit without a product."""

    price: StripeId | None = None
    unit_amount_decimal: str | None = None
    currency: str | None = None
    tax_behavior: TaxBehavior | None = None
    tax_code: str | None = None
    invoice_item: Annotated[str | None, To("invoiceitem")] = None


class Previews:
    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def preview(self, params: JsonView) -> str:
        """The document of the preview (InvoicePreview). Raises ValidationFailed and what the gateway raises."""
        items = params.get("items") or []
        for index, item in enumerate(items):
            if "tax_amounts" in item:
                raise ValidationFailed("Stripe previews only taxes of its own.", param=f"items[{index}].tax_amounts")
        currency = await one_currency(self._database, self._gateway, items, params.get("currency"))
        wanted = stripe_parameters(InvoicePreview, params) | ({"currency": currency} if currency else {})
        if items:
            wanted["invoice_items"] = [_item(item) for item in items]
        with named_as(InvoicePreview), blamed(items):
            answer = await self._gateway.post(PATH, wanted, key=f"preview-{uuid.uuid4().hex}")
        return msgspec.json.encode(_document(answer.data)).decode()


def _item(item: JsonView) -> JsonObject:
    """An item of a preview. A preview makes no product: what it would be called is the item's description."""
    wanted = stripe_parameters(PreviewedItem, item)
    product = wanted.get("price_data", {}).pop("product_data", None)
    if product:
        price = wanted.pop("price_data")
        code = {"tax_code": product["tax_code"]} if "tax_code" in product else {}
        wanted = {"description": product["name"], **code, **price, **wanted}
    return wanted


def _document(invoice: JsonView) -> JsonObject:
    row = FIELDS[Kind.INVOICE].read(invoice)
    items = (ITEM.read(line) for line in invoice["lines"]["data"])
    shown = [{name: item[name] for name in ITEM.names if name not in NOT_MADE} for item in items]
    return FIELDS[Kind.INVOICE].told(row, SHOWN) | {"items": shown}
