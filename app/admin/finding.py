"""Finding invoices at the console: the filters of the API's list, as a page and as a file. For admins."""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.admin import formatting
from app.admin.login import operator_of, require_admin
from app.container import Container
from app.db import documents
from app.db.resources import INVOICE
from app.domain.errors import ValidationFailed
from app.domain.invoice import InvoiceStatus
from app.http.queries import parsed
from app.invoices import export
from app.invoices.queries import InvoicesFilter
from app.projection import item_statements

PAGE = 50
TEXTS = ("q", "number", "customer", "reference")
ORDERS = ("-created_at", "created_at", "due_at", "-due_at", "-amount_due", "amount_due")


def wanted(request: Request) -> Mapping[str, object]:
    """The filters of the form; fields that are empty say nothing. Raises ValidationFailed."""
    asked = request.query_params
    pairs = [(name, value.strip()) for name, value in asked.multi_items() if name in InvoicesFilter.model_fields]
    if key := asked.get("key", "").strip():
        pairs.append((f"metadata[{key}]", asked.get("value", "").strip()))
    try:
        return dict(parsed([pair for pair in pairs if pair[1]], InvoicesFilter))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValidationFailed(f"{first['loc'][0]}: {first['msg']}") from None


async def page_of(container: Container, request: Request) -> str | None:
    """The page of what the words are the id of; for a payment, that of the invoice that it pays, in full or in part."""
    asked = request.query_params.get("q", "").strip()
    address = formatting.page_of(asked)
    if address and asked.startswith("pi_"):
        async with container.database.connection() as connection:
            paid = await item_statements.invoices_of(connection, [asked])
        return formatting.page_of(paid[asked]) if paid else None
    return address


async def page(container: Container, request: Request) -> dict[str, Any]:
    """The context of the page: what was found, or why nothing could be. Raises Forbidden for others than admins."""
    require_admin(request)
    context = {
        "operator": operator_of(request), "statuses": list(InvoiceStatus), "orders": ORDERS, "texts": TEXTS,
        "found": [], "older": None, "problem": None, "shown": formatting.short,
    }  # fmt: skip
    try:
        async with container.database.connection() as connection:
            cursor = request.query_params.get("cursor")
            found = await documents.page(connection, INVOICE, wanted(request), limit=PAGE, cursor=cursor)
    except ValidationFailed as refused:
        return context | {"problem": refused.detail}
    shown = msgspec.json.decode(found)
    if shown["next_cursor"]:
        context["older"] = request.url.include_query_params(cursor=shown["next_cursor"]).query
    return context | {"found": shown["data"]}


async def file(container: Container, request: Request) -> Response:
    """The same as CSV. Raises Forbidden for others than admins."""
    require_admin(request)
    texts = export.lines(container.database, wanted(request))
    return StreamingResponse(export.begun(await anext(texts), texts), headers=export.HEADERS, media_type=export.CSV)
