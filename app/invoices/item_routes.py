"""The items of a draft. Each change answers the invoice with its new totals."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends
from pydantic import Discriminator, Tag
from starlette.responses import Response

from app.http.dependencies import WriteDep, creating, service, writing
from app.http.parameters import InvoiceId, ItemId
from app.http.problems import STATE
from app.http.routing import AuthorizedRoute
from app.invoices.item_schemas import ItemCreate, ItemsCreate, ItemsReplace, ItemUpdate
from app.invoices.items import Items
from app.invoices.read_schemas import InvoiceRead
from app.invoices.replacements import Replacements


def _form(body: object) -> str:
    """The tag of the form that a body has, so that errors are reported for that form only."""
    return "ItemsCreate" if isinstance(body, dict) and "items" in body else "ItemCreate"


OneOrMore = Annotated[
    Annotated[ItemsCreate, Tag("ItemsCreate")] | Annotated[ItemCreate, Tag("ItemCreate")], Discriminator(_form), Body()
]

ItemsDep = Annotated[Items, Depends(service(Items))]
ReplacementsDep = Annotated[Replacements, Depends(service(Replacements))]
router = APIRouter(prefix="/v1/invoices/{invoice_id}/items", tags=["invoice items"], route_class=AuthorizedRoute)


@router.post("", **creating(InvoiceRead, *STATE))
async def add_items(invoice_id: InvoiceId, body: OneOrMore, items: ItemsDep, write: WriteDep) -> Response:
    """Add one item, or a list of them as `items`, to a draft; never more than 250 on one invoice."""
    params = body.params() if isinstance(body, ItemsCreate) else {"items": [body.params()]}
    return await write.run(items.add_items, params, invoice_id)


@router.put("", **writing(InvoiceRead, *STATE))
async def replace_items(
    invoice_id: InvoiceId, body: ItemsReplace, replacements: ReplacementsDep, write: WriteDep
) -> Response:
    """Replace all items of a draft by others. A refusal leaves the former ones, unless both together exceed 250."""
    return await write.run(replacements.replace_items, body.params(), invoice_id)


@router.patch("/{item_id}", **writing(InvoiceRead, *STATE))
async def update_item(
    invoice_id: InvoiceId, item_id: ItemId, body: ItemUpdate, items: ItemsDep, write: WriteDep
) -> Response:
    """Change an item of a draft."""
    return await write.run(items.update_item, {**body.params(), "item": item_id}, invoice_id)


@router.delete("/{item_id}", **writing(InvoiceRead, *STATE))
async def delete_item(invoice_id: InvoiceId, item_id: ItemId, items: ItemsDep, write: WriteDep) -> Response:
    """Take an item off a draft."""
    return await write.run(items.delete_item, {"item": item_id}, invoice_id)
