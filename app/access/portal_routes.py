"""Portal links: make one for a customer, revoke one."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.access.portal_links import PortalLinks
from app.access.schemas import PortalLinkCreate, PortalLinkRead
from app.http.dependencies import WriteDep, creating, json_answer, service, writing
from app.http.parameters import CustomerId, LinkId
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted

LinksDep = Annotated[PortalLinks, Depends(service(PortalLinks))]

router = APIRouter(prefix="/v1/customers/{customer_id}/portal-link", tags=["customers"], route_class=AuthorizedRoute)


@router.post("", **creating(PortalLinkRead, "not_found"))
async def create_portal_link(
    customer_id: CustomerId, links: LinksDep, write: WriteDep, body: PortalLinkCreate | None = None
) -> Response:
    """Make a link to a customer's own pages: signed, and good until it expires or is revoked."""
    answer = await write.answer(links.create_portal_link, body.params() if body else {}, customer_id)
    return json_answer(answer, url=links.address(answer))


@router.delete("/{link_id}", **writing(Deleted, "not_found"))
async def revoke_portal_link(customer_id: CustomerId, link_id: LinkId, links: LinksDep, write: WriteDep) -> Response:
    """Revoke a portal link; it opens nothing from now on. Its id is also the beginning of its token."""
    return await write.run(links.revoke_portal_link, {"link": link_id}, customer_id)
