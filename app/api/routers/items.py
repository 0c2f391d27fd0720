"""The items of a draft. Each change answers the invoice with its new totals."""

from typing import Annotated

from fastapi import APIRouter, Body
from starlette.responses import Response

from app.api.deps import WriteDep
from app.api.errors import STATE, WRITE, answers
from app.api.schemas.invoices import InvoiceRead, ItemCreate, ItemsCreate, ItemUpdate

router = APIRouter(prefix="/v1/invoices/{invoice_id}/items", tags=["invoice items"])


@router.post("", status_code=201, response_model=InvoiceRead, responses=answers(*STATE, *WRITE))
async def add_items(invoice_id: str, body: Annotated[ItemsCreate | ItemCreate, Body()], write: WriteDep) -> Response:
    """Add one item, or a list of them as `items`, to a draft; never more than 250 on one invoice."""
    params = body.params() if isinstance(body, ItemsCreate) else {"items": [body.params()]}
    return await write.run(write.parts.items.add_items, params, invoice_id)


@router.patch("/{item_id}", response_model=InvoiceRead, responses=answers(*STATE, *WRITE))
async def update_item(invoice_id: str, item_id: str, body: ItemUpdate, write: WriteDep) -> Response:
    """Change an item of a draft."""
    return await write.run(write.parts.items.update_item, {**body.params(), "item": item_id}, invoice_id)


@router.delete("/{item_id}", response_model=InvoiceRead, responses=answers(*STATE, *WRITE))
async def delete_item(invoice_id: str, item_id: str, write: WriteDep) -> Response:
    """Take an item off a draft."""
    return await write.run(write.parts.items.delete_item, {"item": item_id}, invoice_id)
