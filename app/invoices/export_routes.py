"""Invoices as a file."""

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from app.db.engine import Database
from app.db.resources import OWN_CUSTOMER
from app.http.dependencies import caller_of, service_of
from app.http.problems import answers
from app.http.queries import documented, read
from app.http.routing import AuthorizedRoute
from app.invoices import export
from app.invoices.queries import InvoicesFilter

router = APIRouter(prefix="/v1", tags=["invoices"], route_class=AuthorizedRoute)
SAMPLE = "id,number,status,customer\r\nin_1PgF,XK4C7QPL-0001,open,cus_QXg1\r\n"


@router.get(
    "/invoices.csv",
    response_class=Response,
    responses=answers() | {200: {"content": {"text/csv": {"schema": {"type": "string", "examples": [SAMPLE]}}}}},
    openapi_extra=documented(InvoicesFilter),
)
async def export_invoices(request: Request) -> Response:
    """Export invoices as CSV, with the filters and the order of the list.

    At most 100,000: the last line says if there were more.
    """
    wanted = dict(read(request, InvoicesFilter)) | {OWN_CUSTOMER: caller_of(request).customer}
    texts = export.lines(service_of(request, Database), wanted)
    return StreamingResponse(export.begun(await anext(texts), texts), headers=export.HEADERS, media_type=export.CSV)
