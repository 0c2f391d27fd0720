"""Drafts made of other invoices: a revision, which replaces one that is finalized, and a copy, which stands by itself."""

from datetime import datetime

import msgspec

from app.db import documents, resources, schema
from app.db.rows import load
from app.domain.errors import InvoicingError, StripeInvalidRequest
from app.domain.invoice import Act
from app.domain.json import JsonObject, JsonView
from app.domain.sources import REFERENCE
from app.idempotency.operations import Answer, Operation
from app.invoices.schemas import InvoiceRevise
from app.invoices.service import OfInvoices
from app.stripe.mapping import Kind
from app.stripe.parameters import stripe_parameters

COPIED = (
    "collection_method", "currency", "description", "footer", "statement_descriptor", "custom_fields", "metadata",
    "default_tax_rates",
)  # fmt: skip
"""What a copy takes over as it is. Items, the days until it is due, and the customer need a look."""


class Copies(OfInvoices):
    async def revise_invoice(self, operation: Operation, params: JsonView) -> Answer:
        """Make a draft that replaces a finalized invoice (InvoiceRevise). Stripe voids that when the draft is finalized.

        All metadata is said, because a reference belongs to one invoice.
        """
        original = await self._invoices.require_act(operation, Act.REVISE)
        said = stripe_parameters(InvoiceRevise, params).get("metadata", {})
        metadata = original["metadata"] | {REFERENCE: ""} | said
        revision = {"action": "revision", "invoice": original["id"]}
        try:
            return await self._writer.create(
                operation, Kind.INVOICE, InvoiceRevise, params, from_invoice=revision, metadata=metadata
            )
        except StripeInvalidRequest as error:
            await self._invoices.explain(operation, Act.REVISE, error)

    async def copy_invoice(self, operation: Operation, params: JsonView) -> Answer:
        """Make a draft with what another invoice bills (InvoiceCopy), as that was when the operation began."""
        if "copied" not in operation.progress:
            await self._invoices.require_act(operation, None)
            async with self._database.connection() as connection:
                found = await documents.require(connection, resources.INVOICE, str(operation.subject))
                invoice = msgspec.json.decode(found)
                prices = await load(connection, schema.prices, {item["price"] for item in invoice["items"]} - {None})
                rates = await load(connection, schema.tax_rates, _tax_rates(invoice))
                await operation.advance(connection, copied=_copied(invoice, prices, rates, params))
        operation.subject = None  # from here on it is about the new draft
        return await self._invoices.create_invoice(operation, operation.progress["copied"])

    async def undo_copy(self, operation: Operation, refusal: InvoicingError) -> None:
        """Delete the draft that `operation` made, if any."""
        operation.subject = None
        await self._invoices.undo_create(operation, refusal)


def _tax_rates(invoice: JsonView) -> set[str]:
    return {*invoice["default_tax_rates"], *(tax["tax_rate"] for it in invoice["items"] for tax in it["taxes"])} - {
        None
    }


def _copied(invoice: JsonView, prices: JsonView, rates: JsonView, params: JsonView) -> JsonObject:
    """The request (InvoiceCreate) for a copy of `invoice`, with `params` (InvoiceCopy) instead of what it says."""
    copied = {name: invoice[name] for name in ("customer", *COPIED) if invoice[name] not in (None, [], {})}
    metadata = copied.get("metadata", {}) | params.get("metadata", {})
    copied |= {"auto_advance": False, "items": [_item(item, prices.get(item["price"])) for item in invoice["items"]]}
    if (invoice["automatic_tax"] or {}).get("enabled"):
        copied["automatic_tax"] = {"enabled": True}
    elif _taxed_by_archived(invoice, rates):
        _add_tax_amounts(copied, invoice, rates)
    else:
        _add_tax_rates(copied, invoice)
    if invoice["collection_method"] == "send_invoice" and invoice["due_at"]:
        due, made = (datetime.fromisoformat(invoice[name]) for name in ("due_at", "created_at"))
        copied["days_until_due"] = max((due - made).days, 0)
    copied |= {**params}
    return copied | ({"metadata": metadata} if metadata else {})


def _taxed_by_archived(invoice: JsonView, rates: JsonView) -> bool:
    """Whether the amounts of the taxes must be copied, and can be.

    A copy has no discounts, which would change them. Stripe wants to know what is taxed, and need not have said it.
    """
    archived = any(not rate["active"] for rate in rates.values())
    told = all(tax["taxable_amount"] is not None for it in invoice["items"] for tax in it["taxes"])
    discounted = any(it["discount_amounts"] for it in invoice["items"])
    return archived and told and not discounted and rates.keys() == _tax_rates(invoice)


def _add_tax_rates(copied: JsonView, invoice: JsonView) -> None:
    """Give the copied items the tax rates that they had of their own."""
    for item, original in zip(copied["items"], invoice["items"], strict=True):
        own = {tax["tax_rate"] for tax in original["taxes"]} - {None, *invoice["default_tax_rates"]}
        if own:
            item["tax_rates"] = sorted(own)


def _add_tax_amounts(copied: JsonObject, invoice: JsonView, rates: JsonView) -> None:
    """Give the copied items the taxes as amounts: Stripe adds no archived rate, and it archives what it makes of amounts."""
    copied.pop("default_tax_rates", None)
    for item, original in zip(copied["items"], invoice["items"], strict=True):
        if taxes := [_tax(tax, rates[tax["tax_rate"]]) for tax in original["taxes"] if tax["tax_rate"]]:
            item["tax_amounts"] = taxes


def _tax(tax: JsonView, rate: JsonView) -> JsonObject:
    """The request (TaxAmountParams) for a tax of an item."""
    named = ("display_name", "inclusive", "description", "jurisdiction", "country", "state", "tax_type")
    data = {name: rate[name] for name in named if rate[name] is not None}
    told = {name: tax[name] for name in ("amount", "taxable_amount")} | {
        "tax_rate_data": {**data, "percentage": float(rate["percentage"])}
    }
    reason = tax["reason"]
    return told | ({"taxability_reason": reason} if reason not in {None, "not_available"} else {})


def _item(item: JsonView, price: JsonView | None) -> JsonObject:
    """The request (ItemCreate) for a copy of an item. A price that was made for one item alone cannot be used again."""
    told = {name: item[name] for name in ("description", "metadata") if item[name]}
    counted = {"quantity_decimal": item["quantity_decimal"]} if item["quantity_decimal"] else {}
    if price and price["active"]:
        return {"price": item["price"], **counted, **told}
    told["currency"] = item["currency"]
    if item["unit_amount_decimal"] and item["description"] and item["quantity_decimal"] not in {None, "1"}:
        return {"unit_amount_decimal": item["unit_amount_decimal"], **counted, **told}
    return {"amount": item["amount"], **told}
