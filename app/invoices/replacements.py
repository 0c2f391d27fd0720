"""Replaces all items of a draft by others, in as few calls as Stripe allows: one that adds, one that removes."""

from collections.abc import Sequence

from app.domain.errors import InvoicingError, StripeInvalidRequest
from app.domain.invoice import Act
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.invoices.item_schemas import ItemCreate
from app.invoices.items import MOST_ITEMS
from app.invoices.parameters import SHOW_PAYMENTS
from app.invoices.pricing import blamed, line, one_currency
from app.invoices.service import OfInvoices
from app.projection import observation
from app.projection.unit_of_work import Subject
from app.stripe.client import Answer as StripeAnswer
from app.stripe.mapping import Kind

MOST_TRIES = 3
"""The most calls that remove the former items, while others remove some of them."""


class Replacements(OfInvoices):
    async def replace_items(self, operation: Operation, params: JsonView) -> Answer:
        """Replace all items of a draft, as Stripe has them, by `items` (a list of ItemCreate).

        The new ones are added before the former ones are removed, so that a refusal changes nothing. Only where both
        are too many for one invoice the former ones go first.
        """
        invoice = await self._invoices.require_act(operation, Act.EDIT_ITEMS)
        wanted = params["items"]
        if operation.fresh:
            await one_currency(self._database, self._gateway, wanted, invoice["currency"])
        former = await self._former(operation)
        lines = {"lines": [line(ItemCreate, item) for item in wanted]}
        answer = None
        first = len(former) + len(wanted) > MOST_ITEMS
        if first:
            answer = await self._remove_former(operation, former)
        if wanted:
            with blamed(wanted):
                answer = await self._invoices.at_stripe(operation, Act.EDIT_ITEMS, "/add_lines", lines, step="items")
        if former and not first:
            answer = await self._remove_former(operation, former)
        return await self._invoices.finish(operation, answer or await self._now(operation))

    async def _former(self, operation: Operation) -> list[str]:
        """The line items that are replaced. They are recorded before anything is changed."""
        recorded: list[str] | None = operation.progress.get("former")
        if recorded is not None:
            return recorded
        former = await self._line_items(operation)
        async with self._database.connection() as connection:
            await operation.advance(connection, former=former)
        return former

    async def _remove_former(self, operation: Operation, former: Sequence[str]) -> StripeAnswer:
        """Remove the line items `former` in one call; those that somebody else removed meanwhile are left out."""
        for number in range(MOST_TRIES):
            removed = {"lines": [{"id": one, "behavior": "delete"} for one in former]}
            try:
                return await self._invoices.at_stripe(
                    operation, Act.EDIT_ITEMS, "/remove_lines", removed, step=f"remove_items-{number}"
                )
            except StripeInvalidRequest as error:
                there = set(await self._line_items(operation))
                left = [one for one in former if one in there]
                if not error.object_missing or len(left) == len(former) or number + 1 == MOST_TRIES:
                    raise
                if not left:
                    return await self._now(operation)
                former = left
        raise AssertionError("the loop ends by returning or raising")  # pragma: no cover

    async def undo_replace(self, operation: Operation, _refusal: InvoicingError) -> None:
        """Remove the former items if the new ones were added, so that nothing is billed twice."""
        path = f"/v1/invoices/{operation.subject}/add_lines"
        former = operation.progress.get("former")
        if former and await self._steps.made_by(operation, "items", path):
            await self._remove_former(operation, former)

    async def _now(self, operation: Operation) -> StripeAnswer:
        return await self._gateway.get(f"/v1/invoices/{operation.subject}", SHOW_PAYMENTS)

    async def _line_items(self, operation: Operation) -> list[str]:
        observed = await observation.observe(self._gateway, Subject(Kind.INVOICE, str(operation.subject)))
        return [item["line_item"] for item in observed.items]
