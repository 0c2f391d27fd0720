"""Portal links: signed, expiring, revocable links by which a customer sees and pays their own invoices.

A link's token is also a credential of the API: its caller is a customer, as with a token of the identity provider.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from app.access import portal_statements
from app.db import documents, resources
from app.db.engine import Database
from app.domain.access import Caller, CallerKind
from app.domain.errors import Forbidden, NotFound, Unauthenticated
from app.domain.json import JsonView
from app.domain.payment_link import PortalLink, Standing, portal_link_id, read, sign, standing
from app.idempotency.operations import Answer, Operation

LONGEST_YEARS = 1


class PortalLinks:
    """The use cases, and what opens a link. The first of `keys` signs, all verify."""

    def __init__(self, database: Database, keys: Sequence[bytes], lifetime: timedelta, base_url: str) -> None:
        self._database = database
        self._keys = keys
        self._lifetime = lifetime
        self._base_url = base_url

    async def create_portal_link(self, operation: Operation, params: JsonView) -> Answer:
        """Make a link to the pages of a customer (PortalLinkCreate)."""
        until = operation.require_to_come("expires_at", params.get("expires_at"), LONGEST_YEARS)
        expires_at, customer = until or datetime.now(UTC) + self._lifetime, str(operation.subject)
        link = PortalLink(portal_link_id(operation.id), customer, expires_at.astimezone(UTC).replace(microsecond=0))
        document = {"id": link.id, "customer": customer, "expires_at": link.expires_at}
        async with self._database.unit_of_work() as connection:
            await documents.require(connection, resources.CUSTOMER, customer)
            await portal_statements.add(connection, link)
            return await operation.finish(connection, 201, msgspec.json.encode(document).decode())

    async def revoke_portal_link(self, operation: Operation, params: JsonView) -> Answer:
        """Revoke a link in every process. Raises NotFound."""
        identifier, customer = str(params["link"]), str(operation.subject)
        async with self._database.unit_of_work() as connection:
            if not await portal_statements.revoke(connection, [identifier], customer):
                raise NotFound(f"The customer {customer!r} has no portal link {identifier!r}.")
            body = msgspec.json.encode({"id": identifier, "deleted": True}).decode()
            return await operation.finish(connection, 200, body)

    def address(self, answer: Answer) -> str:
        """The address of the link in an answer to create_portal_link. It is never stored."""
        found = msgspec.json.decode(answer.body)
        link = PortalLink(found["id"], found["customer"], datetime.fromisoformat(found["expires_at"]))
        return f"{self._base_url}/portal/{sign(link, self._keys[0])}"

    async def link_of(self, token: str) -> PortalLink:
        """The link behind `token`. Raises NotFound, and Forbidden for one that is expired or revoked."""
        link = read(token, self._keys, PortalLink)
        if link is None:
            raise NotFound("There is no such portal link.")
        async with self._database.connection() as connection:
            known, revoked_at = await portal_statements.revoked_at(connection, link)
        if not known:
            raise NotFound("There is no such portal link.")
        stands = standing(link, revoked_at, datetime.now(UTC))
        if stands is not Standing.GOOD:
            raise Forbidden(f"This portal link is {stands.value}.", extra={"link": stands.value})
        return link

    async def caller_of(self, token: str) -> Caller:
        """The caller that `token` names. Raises Unauthenticated."""
        try:
            link = await self.link_of(token)
        except (NotFound, Forbidden):
            raise Unauthenticated("The portal link is not known, has expired, or was revoked.") from None
        return Caller(link.id, CallerKind.CUSTOMER, customer=link.customer)
