"""Previews: what Stripe would bill, as it computes it now. Nothing is stored, neither here nor at Stripe."""

import re
import uuid

import msgspec

from app.db.engine import Database
from app.domain.errors import StripeInvalidRequest
from app.domain.json import JsonObject, JsonView
from app.invoices.preview_schemas import NOT_MADE, SHOWN
from app.invoices.pricing import blamed, one_currency
from app.stripe.client import StripeGateway
from app.stripe.mapping import FIELDS, ITEM, Kind

PATH = "/v1/invoices/create_preview"
PASSED_ON = ("customer", "customer_details")
OF_ITEMS = ("amount", "currency", "quantity", "description", "price", "price_data", "metadata")


class Previews:
    """Asks Stripe for previews."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def preview(self, params: JsonView) -> str:
        """The document of the preview (InvoicePreview). Raises ValidationFailed and what the gateway raises."""
        items = params.get("items") or []
        currency = await one_currency(self._database, items, params.get("currency"))
        wanted = {name: params[name] for name in PASSED_ON if name in params}
        wanted |= {"currency": currency} if currency else {}
        if items:
            wanted["invoice_items"] = [{name: item[name] for name in OF_ITEMS if name in item} for item in items]
        try:
            with blamed(items):
                answer = await self._gateway.post(PATH, wanted, key=f"preview-{uuid.uuid4().hex}")
        except StripeInvalidRequest as error:
            error.param = _ours(error.param)
            raise
        return msgspec.json.encode(_document(answer.data)).decode()


def _ours(param: str | None) -> str | None:
    """The field of ours that Stripe's `param` is about: `items[0].price` for `invoice_items[0][price]`."""
    return param and re.sub(r"\[([a-z_]+)\]", r".\1", param.replace("invoice_items", "items"))


def _document(invoice: JsonView) -> JsonObject:
    row = FIELDS[Kind.INVOICE].read(invoice)
    items = (ITEM.read(line) for line in invoice["lines"]["data"])
    shown = [{name: item[name] for name in ITEM.names if name not in NOT_MADE} for item in items]
    return FIELDS[Kind.INVOICE].told(row, SHOWN) | {"items": shown}
