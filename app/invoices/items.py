"""Use cases of the items of drafts, by Stripe's line endpoints, which answer the invoice with new totals."""

from app.domain.errors import NotFound, ValidationFailed
from app.domain.invoice import Act
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.invoices.item_schemas import ItemCreate, ItemUpdate
from app.invoices.pricing import blamed, fits, line, one_currency
from app.invoices.service import OfInvoices
from app.projection import item_statements

MOST_ITEMS = 250
"""Stripe's limit of items per invoice."""


class Items(OfInvoices):
    """The use cases; each answers the invoice with its new totals."""

    async def add_items(self, operation: Operation, params: JsonView) -> Answer:
        """Add `items` (a list of ItemCreate) to a draft. Raises ValidationFailed beyond 250 items."""
        invoice = await self._invoices.require_act(operation, Act.EDIT_ITEMS)
        added = params["items"]
        async with self._database.connection() as connection:
            present = await item_statements.count(connection, invoice["id"])
        if operation.fresh and present + len(added) > MOST_ITEMS:
            raise ValidationFailed(
                f"The invoice has {present} items; with {len(added)} more it would exceed {MOST_ITEMS}.", param="items"
            )
        if operation.fresh:
            await one_currency(self._database, self._gateway, added, invoice["currency"])
        lines = {"lines": [line(ItemCreate, item) for item in added]}
        with blamed(added):
            return await self._invoices.act(operation, Act.EDIT_ITEMS, "/add_lines", lines, status=201)

    async def update_item(self, operation: Operation, params: JsonView) -> Answer:
        """Change the item `item` of a draft (ItemUpdate)."""
        invoice = await self._invoices.require_act(operation, Act.EDIT_ITEMS)
        if operation.fresh:
            await fits(self._database, self._gateway, params, invoice["currency"])
        priced = {"currency": invoice["currency"], **params}
        changed = {"id": await self._line_item(operation, invoice["id"], params["item"]), **line(ItemUpdate, priced)}
        with blamed([params], ""):
            return await self._invoices.act(operation, Act.EDIT_ITEMS, "/update_lines", {"lines": [changed]})

    async def delete_item(self, operation: Operation, params: JsonView) -> Answer:
        """Remove the item `item` from a draft."""
        invoice = await self._invoices.require_act(operation, Act.EDIT_ITEMS)
        line_item = await self._line_item(operation, invoice["id"], params["item"])
        removed = {"id": line_item, "behavior": "delete"}
        return await self._invoices.act(operation, Act.EDIT_ITEMS, "/remove_lines", {"lines": [removed]})

    async def _line_item(self, operation: Operation, invoice_id: str, item_id: str) -> str:
        """The line item at Stripe. It is recorded before the call, because a retry may not find it here any more."""
        recorded: str | None = operation.progress.get("line_item")
        if recorded is not None:
            return recorded
        async with self._database.connection() as connection:
            found = await item_statements.line_item(connection, invoice_id, item_id)
            if found is None:
                raise NotFound(f"The invoice {invoice_id!r} has no item {item_id!r}.")
            await operation.advance(connection, line_item=found)
        return found
