"""Use cases of payment links: create one, revoke one, and show or pay its invoice on behalf of whoever has it."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from app.access import portal_statements
from app.access.authentication import Authentication
from app.db import documents, resources
from app.db.engine import Connection, Database
from app.db.resources import Resource
from app.db.rows import load
from app.db.schema import fulfillments
from app.domain.access import Caller, CallerKind
from app.domain.errors import Forbidden, NotFound, StripeInvalidRequest, ValidationFailed
from app.domain.fulfillment import under_way
from app.domain.invoice import Act, InvoiceStatus, require
from app.domain.json import JsonObject, JsonView
from app.domain.payment_link import (
    GRACE,
    PaymentLink,
    PortalLink,
    Standing,
    link_id,
    link_id_in_portal,
    link_id_of_mail,
    read,
    sign,
    standing,
)
from app.domain.web_address import on_this_machine, origin_of
from app.idempotency.operations import Answer, Call, Operation, Operations
from app.invoices.client_secrets import ClientSecrets
from app.invoices.hosted_pages import HostedPages
from app.invoices.part_payments import PartPayments
from app.invoices.service import Invoices
from app.payment_links import statements as payment_links_statements
from app.payment_links.statements import RecordedLink
from app.payments.lookup import InvoiceRefresh
from app.projection.write_through import deleted_document

LONGEST_YEARS = 1
MAILS_LAST = timedelta(days=365)
"""The lifetime of links in mails, which people look for long after they have paid."""
PORTAL_LASTS = timedelta(days=1)
"""The lifetime of links that a customer's portal leads to."""
WRONG_RETURN = "return_url: its origin must be one of PAYMENT_LINK_RETURN_ORIGINS, by https."
ASK_PAUSE_S = 10.0
"""Least seconds between two requests to Stripe on behalf of one link, however often its page asks."""


@dataclass(frozen=True, slots=True)
class Links:
    """How links are made: the keys (the first signs, all verify), the lifetime, and the start of the address.

    A link leads back to addresses of `return_origins` only, and where `returns_here` to this machine's.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    lifetime: timedelta
    base_url: str
    return_origins: tuple[str, ...] = ()
    returns_here: bool = False

    def lead_back_to(self, address: str) -> bool:
        """Whether links may lead back to `address`."""
        origin = origin_of(address)
        return origin is not None and (origin in self.return_origins or (self.returns_here and on_this_machine(origin)))


@dataclass(frozen=True, slots=True)
class Parts:
    """How parts are paid: by an operation each."""

    operations: Operations
    payments: PartPayments


@dataclass(frozen=True, slots=True)
class PaymentLinks:
    """The use cases. What is asked with a link is counted for the link, by which RateLimited is raised."""

    _database: Database
    _invoices: Invoices
    _secrets: ClientSecrets
    _following: InvoiceRefresh
    _hosted_pages: HostedPages
    _parts: Parts
    _links: Links
    _authentication: Authentication

    async def create_payment_link(self, operation: Operation, params: JsonView) -> Answer:
        """Make a link to the payment page of an open invoice, or of a draft that takes promotion codes (PaymentLinkCreate)."""
        until = operation.require_to_come("expires_at", params.get("expires_at"), LONGEST_YEARS)
        return_url = params.get("return_url")
        if return_url and not self._links.lead_back_to(return_url):
            raise ValidationFailed(WRONG_RETURN, param="return_url")
        row, codes = await self._invoices.require_act(operation, None), bool(params.get("allow_promotion_codes"))
        if operation.fresh and not (codes and row["status"] == InvoiceStatus.DRAFT):
            require(Act.PAYMENT_LINK, row["status"])
        expires_at = (until or datetime.now(UTC) + self._links.lifetime).astimezone(UTC).replace(microsecond=0)
        link = PaymentLink(link_id(operation.id), row["id"], expires_at, bool(params.get("save_payment_method")))
        minimum = params.get("minimum_payment")
        if minimum and minimum * 2 > row["amount_remaining"]:
            raise ValidationFailed("minimum_payment: at most half of what remains to be paid.", param="minimum_payment")
        document = {"id": link.id, "invoice": link.invoice, "expires_at": link.expires_at, "minimum_payment": minimum}
        async with self._database.unit_of_work() as connection:
            await payment_links_statements.add(connection, link, minimum, promotion_codes=codes, return_url=return_url)
            return await operation.finish(connection, 201, msgspec.json.encode(document).decode())

    async def revoke_payment_link(self, operation: Operation, params: JsonView) -> Answer:
        """Revoke a link in every process. Raises NotFound."""
        identifier = str(params["link"])
        async with self._database.unit_of_work() as connection:
            if not await payment_links_statements.revoke(connection, identifier, str(operation.subject)):
                raise NotFound(f"The invoice {operation.subject!r} has no payment link {identifier!r}.")
            return await operation.finish(connection, 200, deleted_document(identifier))

    def address(self, answer: Answer) -> str:
        """The address of the link in an answer to create_payment_link. It is never stored."""
        document = msgspec.json.decode(answer.body)
        expires_at = datetime.fromisoformat(document["expires_at"])
        return self._url(PaymentLink(document["id"], document["invoice"], expires_at))

    async def url_in_mail(self, connection: Connection, action_id: str, invoice_id: str) -> str:
        """The address of the payment page for the mail of a fulfillment action. Its link is recorded, and revocable."""
        expires_at = (datetime.now(UTC) + MAILS_LAST).replace(microsecond=0)
        link = PaymentLink(link_id_of_mail(action_id), invoice_id, expires_at)
        await payment_links_statements.add(connection, link)
        return self._url(link)

    async def url_in_portal(self, portal: PortalLink, invoice_id: str) -> str:
        """The address of the payment page of an invoice of the portal's customer, good for a day at most.

        Raises Forbidden for a portal link that was revoked meanwhile: that revokes the payment links there are.
        """
        expires_at = min(portal.expires_at, (datetime.now(UTC) + PORTAL_LASTS).replace(microsecond=0))
        link = PaymentLink(link_id_in_portal(portal.id, invoice_id), invoice_id, expires_at)
        async with self._database.unit_of_work() as connection:
            if not await portal_statements.hold(connection, portal.id):
                raise Forbidden("This portal link is revoked.", extra={"link": Standing.REVOKED.value})
            await payment_links_statements.add(connection, link)
        return self._url(link)

    def _url(self, link: PaymentLink) -> str:
        return f"{self._links.base_url}/pay/{sign(link, self._links.keys[0])}"

    async def page(self, token: str, *, following: bool = False) -> JsonObject:
        """What the payment page shows. Raises NotFound, and Forbidden for a link that is expired or revoked."""
        found = await self._read(token, resources.PAYMENT_PAGE, following=following)
        if found["status"] == InvoiceStatus.DRAFT:
            async with self._database.connection() as connection:
                found["promotion_codes"] = await payment_links_statements.allows_codes(
                    connection, self._signed(token).id
                )
        return found

    async def link(self, token: str, grace: timedelta = timedelta(0)) -> RecordedLink:
        """The link of `token`. Raises NotFound and Forbidden; RateLimited where it asks too often."""
        await self._authentication.limit_client_secrets(self._signed(token).id)
        return await self._open(token, grace)

    async def status(self, token: str) -> JsonObject:
        """The state of the invoice and its fulfillment, as stored here."""
        return await self._read(token, resources.PAYMENT_STATUS, following=True)

    def made_for(self, token: str) -> str:
        """The id of the invoice that the link was made for. Raises NotFound."""
        return self._signed(token).invoice

    async def invoice(self, token: str) -> str:
        """The id of the invoice that the link opens. Raises NotFound and Forbidden."""
        return (await self._open(token, GRACE)).invoice

    async def client_secret(self, token: str) -> JsonObject:
        """The client secret of the link's invoice. Raises RateLimited and what ClientSecrets.of_invoice raises."""
        link = await self.link(token)
        if link.saves:
            with suppress(StripeInvalidRequest):  # what cannot be saved can still be used to pay
                await self._secrets.save_payment_method(link.invoice)
        return await self._secrets.of_invoice(link.invoice)

    async def part(self, token: str, amount: int, *, key: str | None, request_id: str | None) -> JsonObject:
        """Begin to pay a part of the link's invoice: its PaymentIntent, with the client secret.

        Raises Forbidden where the link is for the whole amount, RateLimited, and what begin_part_payment raises.
        """
        link = await self.link(token)
        if link.minimum_payment is None:
            raise Forbidden("With this payment link only all that remains can be paid.")
        params = {"link": link.id, "amount": amount, "minimum": link.minimum_payment}
        call = Call(f"link {link.id}", "POST /pay/part", params, key, link.invoice, request_id)
        answer = await self._parts.operations.run(call, self._parts.payments.begin_part_payment)
        found: JsonObject = msgspec.json.decode(answer.body)
        secret = answer.secret or await self._parts.payments.secret_of(found["payment_intent"])
        return found | {"client_secret": secret}

    async def bank_transfer(self, token: str) -> JsonObject | None:
        """Where to transfer what is left of the invoice, as Stripe says now; None if it waits for no transfer.

        Raises RateLimited and what the gateway raises.
        """
        link = await self.link(token)
        return await self._following.bank_transfer(link.invoice)

    async def payment(self, token: str) -> JsonObject:
        """The link's invoice, with the `charge` of its last payment as Stripe has it now; null if Stripe charged nothing.

        Raises RateLimited and what the gateway raises.
        """
        await self._authentication.limit_client_secrets(self._signed(token).id)
        found = await self._read(token, resources.PAYMENT_PAGE, following=True)
        intents = [it["payment_intent"] for it in found["payments"] if it["status"] == "paid"]
        if found["status"] == InvoiceStatus.PAID:
            intents.append(found["payment_intent"])  # Stripe tells later which payment it was
        intent = next(filter(None, intents), None)
        return found | {"charge": await self._following.charge(intent) if intent else None}

    async def hosted_pages(self, token: str) -> JsonObject:
        """The addresses of Stripe's pages for the link's invoice. Raises RateLimited and what HostedPages.of raises."""
        link = await self.link(token, GRACE)
        return await self._hosted_pages.of(link.invoice)

    async def catch_up(self, token: str) -> JsonObject:
        """The status after asking Stripe; Stripe is not asked again within ASK_PAUSE_S."""
        link = await self._open(token, GRACE)
        async with self._database.connection() as connection:
            our_turn = await payment_links_statements.take_turn(connection, link.id, ASK_PAUSE_S)
        if our_turn:
            await self._following.catch_up(link.invoice)
        return await self.status(token)

    async def _read(self, token: str, resource: Resource, *, following: bool) -> JsonObject:
        await self._authentication.limit_caller(Caller(self._signed(token).id, CallerKind.CUSTOMER))
        link = await self._open(token, GRACE if following else timedelta(0))
        async with self._database.connection() as connection:
            document = await documents.read(connection, resource, link.invoice)
            known = await load(connection, fulfillments, [link.invoice], by="invoice")
        if document is None:
            raise NotFound("The invoice of this link is gone.")
        found: JsonObject = msgspec.json.decode(document)
        back = link.return_url if link.return_url and self._links.lead_back_to(link.return_url) else None
        found["under_way"] = under_way(known.get(link.invoice))
        return found | {"minimum_payment": link.minimum_payment, "save_payment_method": link.saves, "return_url": back}

    async def _open(self, token: str, grace: timedelta = timedelta(0)) -> RecordedLink:
        """The link behind `token`, for `grace` beyond its life. Raises NotFound and Forbidden.

        A forged token is refused without a database query.
        """
        link = self._signed(token)
        async with self._database.connection() as connection:
            known = await payment_links_statements.recorded(connection, link)
        if known is None:
            raise NotFound("There is no such payment link.")
        stands = standing(link, known.revoked_at, datetime.now(UTC), grace)
        if stands is not Standing.GOOD:
            raise Forbidden(f"This payment link is {stands.value}.", extra={"link": stands.value})
        return known

    def _signed(self, token: str) -> PaymentLink:
        """The link that `token` names, if we signed it. Raises NotFound."""
        link = read(token, self._links.keys, PaymentLink)
        if link is None:
            raise NotFound("There is no such payment link.")
        return link
