"""Answers reads as PostgreSQL returns them, each with an ETag and 304 for who has it. Stripe is not called."""

from hashlib import sha256
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.db import documents
from app.db.engine import Database
from app.db.resources import OWN_CUSTOMER, Resource
from app.http.dependencies import JSON, caller_of, service_of
from app.http.problems import answers
from app.http.queries import Paging, documented
from app.http.schemas import Page


async def one(request: Request, resource: Resource, object_id: str, *, by: str = "id", **beside: object) -> Response:
    """Answer with the document of one object, which has the columns `beside`. Raises NotFound."""
    async with service_of(request, Database).connection() as connection:
        document = await documents.require(connection, resource, object_id, by=by, **beside)
    return unless_known(request, document.encode())


async def require_known(request: Request, resource: Resource, object_id: str) -> None:
    async with service_of(request, Database).connection() as connection:
        await documents.require(connection, resource, object_id)


def reading(shown: type[BaseModel]) -> dict[str, Any]:
    """How an operation is declared that `one` answers."""
    return {"response_model": shown, "responses": answers("not_found", conditional=True)}


def listing(shown: type[BaseModel], query: type[BaseModel], *refusals: str) -> dict[str, Any]:
    """How an operation is declared that `many` answers: pages of `shown`, by the parameters of `query`."""
    return {
        "response_model": Page[shown],  # type: ignore[valid-type]
        "responses": answers(*refusals, conditional=True),
        "openapi_extra": documented(query),
    }


async def many(request: Request, resource: Resource, asked: Paging, **beside: object) -> Response:
    """Answer with a page of the objects that match the filters `asked` and those `beside`. A customer sees only its own.

    The fields of `asked` and the names `beside` are filters of the resource; None matches all.
    """
    wanted = {**dict(asked), **beside, OWN_CUSTOMER: caller_of(request).customer}
    del wanted["limit"], wanted["cursor"]
    async with service_of(request, Database).connection() as connection:
        page = await documents.page(connection, resource, wanted, limit=asked.limit, cursor=asked.cursor)
    return unless_known(request, page)


def unless_known(request: Request, body: bytes) -> Response:
    """Answer with `body`, or 304 if the caller has it. Only the caller may cache it, and must revalidate each time."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = request.headers.get("if-none-match")
    if known is not None and (tag in known or known.strip() == "*"):
        return Response(None, 304, headers)
    return Response(body, 200, headers, JSON)
