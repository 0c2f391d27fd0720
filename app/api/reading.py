"""Owns how reads answer: one document or one page, as PostgreSQL built it. No call to Stripe happens here."""

from starlette.responses import Response

from app.api.deps import Paging, Reading, json_answer
from app.db import documents
from app.db.documents import Filter, Resource
from app.domain.errors import NotFound


async def one(reading: Reading, resource: Resource, object_id: str, *, by: str = "id") -> Response:
    """The document of one object. Raises NotFound."""
    document = await documents.read(reading.connection, resource, object_id, by=by)
    if document is None:
        raise NotFound(f"There is no {resource.name} {object_id!r}.")
    return json_answer(document)


async def many(reading: Reading, resource: Resource, paging: Paging, **wanted: object) -> Response:
    """A page of the objects whose columns equal `wanted`; what is None is not asked for."""
    return await matching(reading, resource, paging, equal(**wanted))


def equal(**wanted: object) -> Filter:
    """The filter that the named columns equal what is given; what is None is not asked for."""
    found = Filter()
    for column, value in wanted.items():
        found.add(f"row.{column} = {{}}", value)
    return found


async def matching(reading: Reading, resource: Resource, paging: Paging, wanted: Filter) -> Response:
    """A page of the objects that meet `wanted`, and of those only a customer's own where a customer asks."""
    wanted.add("row.customer = {}", reading.customer)
    page = await documents.page(reading.connection, resource, wanted, limit=paging.limit, cursor=paging.cursor)
    return json_answer(page)
