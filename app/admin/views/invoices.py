"""The views of invoices, fulfillments, changes and payment links. An invoice's page shows its timeline."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from markupsafe import Markup
from sqladmin import expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.admin.formatting import badge, moment, shown
from app.admin.login import Operator, require_admin
from app.admin.models import Change, Fulfillment, Invoice, PaymentLink, StuckInvoice
from app.admin.views.invoice_acts import InvoiceActs
from app.admin.views.table import ReadOnlyView, Section
from app.db import documents, resources
from app.domain.errors import NotFound
from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus
from app.domain.masking import PAYABLE
from app.domain.next_step import STUCK
from app.domain.payment_link import HOSTED_PAGES
from app.domain.redaction import redacted
from app.invoices import timeline
from app.languages.invoice_lines import quantity
from app.stripe.mapping import Kind

GROUP = "Invoices"
TOO_MUCH = frozenset({"operation", "idempotency_key"})
"""What the timeline omits, because the operation's page shows it."""


class InvoiceView(InvoiceActs, model=Invoice):
    kind = Kind.INVOICE
    group = GROUP
    named = "number"
    related = (
        "fulfillment", "refund", "credit-note", "dispute", "payment-link", "fulfillment-action", "reminder", "delivery",
        "operation",
    )  # fmt: skip
    search = ("id", "number", "customer", "reference", "payment_intent", "search")
    choices = {"status": tuple(InvoiceStatus)}
    slices = {"overdue": "status = 'open' AND due_at < now()"}
    hidden = PAYABLE | {"search"}
    column_list = ["id", "number", "status", "customer", "total", "due_at", "created_at"]
    column_details_list = [
        "id", "number", "status", "customer", "reference", "currency", "subtotal", "total", "amount_due",
        "amount_paid", "amount_remaining", "collection_method", "auto_advance", "due_at", "description", "footer",
        "custom_fields", "metadata_", "payment_intent", "paid_out_of_band", "hosted_invoice_url", "invoice_pdf",
        "created_at", "finalized_at", "paid_at", "voided_at", "marked_uncollectible_at", "updated_at", "deleted_at",
        "livemode", "snapshot_since", "snapshot_until", "revision",
    ]  # fmt: skip

    def value(self, obj: Any, prop: str, operator: Operator) -> Any:
        """The value; for the addresses of Stripe's pages, which expire, those that forward there."""
        found = super().value(obj, prop, operator)
        ours = next((ours for ours, name in HOSTED_PAGES.items() if name == prop), None)
        return f"/console/invoice/forward/{obj.id}/{ours}" if ours and found else found

    @expose("/forward/{pk}/{page}", methods=["GET"])
    async def forward(self, request: Request) -> Response:
        """Forward an admin to one of Stripe's pages for the invoice, at an address that has not expired."""
        require_admin(request)
        name = HOSTED_PAGES.get(request.path_params["page"])
        address = name and (await self.container.hosted_pages.of(request.path_params["pk"]))[name]
        if not address:
            raise NotFound("There is no such page.")
        return RedirectResponse(address, HTTPStatus.FOUND, {"Cache-Control": "no-store"})

    async def sections(self, key: str, operator: Operator) -> list[Section]:
        """Sections for the fields without a column, the items, the payments and the timeline."""
        later = await super().sections(key, operator)
        async with self.container.database.connection() as connection:
            told = msgspec.json.decode(await timeline.read(connection, key))
            document = await documents.read(connection, resources.INVOICE, key)
        invoice: dict[str, Any] = (
            msgspec.json.decode(document) if document else {"items": [], "payments": [], "currency": ""}
        )
        because = " ".join(said for said in (told["unpaid_because"], told["what_to_do"]) if said)
        return [
            *later,
            Section("Items", ["Id", "Description", "Quantity", "Amount"], [_item(item) for item in invoice["items"]]),
            Section(
                "Payments",
                ["Id", "PaymentIntent", "Status", "Requested", "Paid", "Paid at"],
                [_payment(one, invoice["currency"]) for one in invoice["payments"]],
            ),
            Section(
                "Timeline" + (f": {because}" if because else ""),
                ["When", "What", "", "Details"],
                [_happened(entry, invoice["currency"]) for entry in told["data"]],
            ),
        ]


class StuckInvoiceView(InvoiceView, model=StuckInvoice):
    """Invoices about which a person must do something, oldest money first."""

    name_plural = "Needs you"
    order = ("stuck_since", "sequence")
    oldest_first = True
    always = (
        "stuck_since <= now()",
        "deleted_at IS NULL",
        "(status IN ('draft', 'open') OR next_step IN ('answer_dispute', 'refund_payment'))",
    )
    choices = {"next_step": tuple(sorted(STUCK))}
    slices = {}
    column_list = ["id", "number", "customer", "next_step", "amount_remaining", "due_at", "stuck_since"]


def _item(item: dict[str, Any]) -> list[Markup]:
    return [
        shown("id", item["id"]),
        shown("description", item["description"]),
        shown("quantity", quantity(item)),
        shown("amount", item["amount"], item["currency"]),
    ]


def _payment(payment: dict[str, Any], currency: str) -> list[Markup]:
    return [
        *(shown(name, payment[name]) for name in ("id", "payment_intent", "status")),
        *(shown(name, payment[name], currency) for name in ("amount_requested", "amount_paid")),
        shown("paid_at", payment["paid_at"]),
    ]


def _happened(entry: dict[str, Any], currency: str) -> list[Markup]:
    kind, what = entry["kind"], entry["what"]
    state = kind in {"transition", "fulfillment"}
    facts = Markup("").join(
        Markup('<span><span class="quiet">{}</span> {}</span>').format(
            name.replace("_", " "), shown(name, redacted(value) if isinstance(value, str) else value, currency)
        )
        for name, value in entry["data"].items()
        if value not in (None, "", {}) and name not in TOO_MUCH
    )
    return [
        moment(datetime.fromisoformat(entry["at"])),
        Markup('<span class="kind {}">{}</span>').format(kind, kind.replace("_", " ")),
        badge(what) if state else Markup("<code>{}</code>").format(what),
        Markup('<div class="facts">{}</div>').format(facts),
    ]


class FulfillmentView(ReadOnlyView, model=Fulfillment):
    """Fulfillments: one per invoice."""

    group = GROUP
    search = ("id", "invoice", "customer")
    choices = {"status": tuple(FulfillmentStatus)}
    column_list = ["id", "invoice", "customer", "status", "amount_paid", "attempts", "failure_code", "updated_at"]


class ChangeView(ReadOnlyView, model=Change):
    """Changes of invoices and fulfillments, in the order in which they were stored."""

    group = GROUP
    order = ("id",)
    search = ("invoice",)
    column_list = ["id", "at", "invoice", "subject", "was", "became", "cause"]


class PaymentLinkView(ReadOnlyView, model=PaymentLink):
    """Payment links. Their tokens are not stored, so they cannot be shown."""

    group = GROUP
    name = "Payment link"
    search = ("id", "invoice")
    slices = {"in force": "revoked_at IS NULL AND expires_at > now()"}
    column_list = ["id", "invoice", "expires_at", "revoked_at", "asked_at", "created_at"]
