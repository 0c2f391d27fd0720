"""What a payer does at the link of a draft: enter a promotion code, and have the draft finalized to pay it."""

import re
from contextlib import suppress

from app.domain.errors import Forbidden, InvoicingError, RateLimited, ValidationFailed
from app.domain.invoice import Act
from app.domain.json import JsonObject, JsonView
from app.domain.sources import id_of
from app.idempotency.operations import Answer, Call, Operation, Operations
from app.invoices.service import Invoices, OfInvoices
from app.payment_links import statements
from app.payment_links.service import PaymentLinks
from app.payment_links.statements import RecordedLink
from app.projection import named_objects

CODE = re.compile("[A-Za-z0-9_-]{1,200}")
NO_SUCH_CODE = "This promotion code cannot be used here."


class PromotionCodes(OfInvoices):
    """The use cases. Each is an operation, so that what a payer began is finished once, whoever dies on the way."""

    def __init__(self, invoices: Invoices, operations: Operations, links: PaymentLinks) -> None:
        super().__init__(invoices)
        self._operations = operations
        self._links = links

    async def enter(self, token: str, code: str) -> None:
        """Take the code off the draft of the link. Raises RateLimited where too many were tried.

        Raises ValidationFailed alike for a code that does not exist and one that Stripe refuses for this invoice, so
        that nobody learns which codes there are.
        """
        link = await self._links.link(token)
        if not CODE.fullmatch(code):
            raise ValidationFailed(NO_SUCH_CODE, param="code")
        async with self._database.connection() as connection:
            if not await statements.take_attempt(connection, link.id):
                raise RateLimited("Too many promotion codes were tried with this link.", retry_after=3600)
        call = _call(link, "promotion-code", {"code": code})
        await self._operations.run(call, self.apply_promotion_code)
        with suppress(InvoicingError):  # the worker does it otherwise
            await named_objects.keep_discounts(self._database, self._gateway, link.invoice)

    async def finalize(self, token: str) -> None:
        """Finalize the draft of the link, once. Raises InvalidState where it is none any more."""
        link = await self._links.link(token)
        async with self._database.connection() as connection:
            if not await statements.allows_codes(connection, link.id):
                raise Forbidden("This payment link finalizes nothing.")
        await self._operations.run(_call(link, "finalize", {}), self._invoices.finalize_invoice)

    async def apply_promotion_code(self, operation: Operation, params: JsonView) -> Answer:
        """Take the promotion code `code` off a draft, instead of one that was entered before."""
        await self._invoices.require_act(operation, Act.UPDATE)
        if "discounts" not in operation.progress:
            wanted = await self._discounts(str(operation.subject), str(params["code"]))
            async with self._database.connection() as connection:
                await operation.advance(connection, discounts=wanted)
        return await self._invoices.act(operation, Act.UPDATE, "", {"discounts": operation.progress["discounts"]})

    async def _discounts(self, invoice_id: str, code: str) -> list[JsonObject]:
        """The invoice's discounts with the code's: the merchant's stay, another code's goes."""
        invoice = (await self._gateway.get(f"/v1/invoices/{invoice_id}", {"expand": ["discounts"]})).data
        found = self._gateway.pages("/v1/promotion_codes", {"code": code, "active": True})
        payer = id_of(invoice["customer"])
        usable = [it async for it in found if id_of(it["customer"]) in {None, payer}]
        if not usable:
            raise ValidationFailed(NO_SUCH_CODE, param="code")
        best = next((it for it in usable if it["customer"]), usable[0])
        kept = [{"discount": it["id"]} for it in invoice["discounts"] if not it["promotion_code"]]
        return [*kept, {"promotion_code": best["id"]}]


def _call(link: RecordedLink, what: str, params: JsonObject) -> Call:
    return Call(caller=link.id, target=f"POST /pay/{link.id}/{what}", params=params, subject=link.invoice)
