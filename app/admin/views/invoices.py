"""The views of invoices, fulfillments, changes and payment links. An invoice's page shows its timeline."""

import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from markupsafe import Markup
from sqladmin import expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.admin.formatting import badge, linked, moment, shown
from app.admin.login import Operator, require_admin
from app.admin.models import Change, Fulfillment, Invoice, PaymentLink, StuckInvoice
from app.admin.row_actions import act_on_chosen
from app.admin.views.mirrored import MirroredView
from app.admin.views.table import Button, ReadOnlyView, Section
from app.db import documents, resources
from app.db.rows import load
from app.db.schema import invoices
from app.domain.errors import NotFound, ValidationFailed
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

REFUND, CREDIT = "/console/invoice/refund", "/console/invoice/credit"
AMOUNT = "Amount in the currency's minor unit (1200 for 12.00 EUR)"
LONGEST_AMOUNT = 12
HOW = {"refund": "as a refund", "credit": "to the customer's balance", "out_of_band": "outside of Stripe"}
"""How a credit note gives back what was paid: the beginnings of its parameters, and what they say."""
TOO_MUCH = frozenset({"operation", "idempotency_key"})
"""What the timeline omits, because the operation's page shows it."""


class InvoiceView(MirroredView, model=Invoice):
    """Invoices."""

    kind = Kind.INVOICE
    group = GROUP
    search = ("id", "customer", "reference", "payment_intent")
    choices = {"status": tuple(InvoiceStatus)}
    slices = {"overdue": "status = 'open' AND due_at < now()"}
    hidden = PAYABLE
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

    def buttons(self, key: str) -> list[Button]:
        """The buttons that give money back. Each form is done once, however often it is sent."""
        return [
            Button(
                "Refund",
                REFUND,
                {"id": key, "once": secrets.token_hex(16)},
                confirm="What was paid goes back to the payer. This cannot be undone.",
                amount=f"{AMOUNT}; empty for all that is left",
            ),
            Button(
                "Credit",
                CREDIT,
                {"id": key, "once": secrets.token_hex(16)},
                confirm="A credit note reduces what is due first. What was paid already is given back as chosen here.",
                amount=AMOUNT,
                choices=HOW,
            ),
        ]

    @expose("/refund", methods=["POST"])
    async def refund(self, request: Request) -> Response:
        """Refund an amount, or all that is left."""
        require_admin(request)
        amount = await _amount(request)
        return await act_on_chosen(
            request,
            self.container,
            self.container.refunds.create_refund,
            noun="invoice",
            done="refunded.",
            params={"amount": amount} if amount else {},
        )

    @expose("/credit", methods=["POST"])
    async def credit(self, request: Request) -> Response:
        """Issue a credit note of an amount."""
        require_admin(request)
        form, amount = await request.form(), await _amount(request)
        if amount is None:
            raise ValidationFailed(f"amount: {AMOUNT}.", param="amount")
        invoice_id, how = str(form.get("id", "")), str(form.get("how", ""))
        async with self.container.database.connection() as connection:
            row = (await load(connection, invoices, [invoice_id] if invoice_id.isprintable() else [])).get(invoice_id)
        given_back = max(amount - (row["amount_remaining"] if row else 0), 0)
        back = {f"{how}_amount": given_back} if given_back and how in HOW else {}
        return await act_on_chosen(
            request,
            self.container,
            self.container.credit_notes.create_credit_note,
            noun="invoice",
            done="credited.",
            params={"amount": amount, **back},
        )

    async def sections(self, key: str, operator: Operator) -> list[Section]:
        """Sections for the fields without a column, the items, the payments and the timeline."""
        later = await super().sections(key, operator)
        async with self.container.database.connection() as connection:
            told = msgspec.json.decode(await timeline.read(connection, key))
            document = await documents.read(connection, resources.INVOICE, key)
        invoice = msgspec.json.decode(document) if document else {"items": [], "payments": []}
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
                [_happened(entry) for entry in told["data"]],
            ),
        ]


class StuckInvoiceView(InvoiceView, model=StuckInvoice):
    """Invoices about which a person must do something, oldest money first."""

    name = "Needs you"
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


async def _amount(request: Request) -> int | None:
    """The amount in the form, in minor units; None where it was left empty. Raises ValidationFailed."""
    text = str((await request.form()).get("amount", "")).strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_AMOUNT and int(text)):
        raise ValidationFailed(f"amount: {AMOUNT}.", param="amount")
    return int(text)


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


def _happened(entry: dict[str, Any]) -> list[Markup]:
    kind, what = entry["kind"], entry["what"]
    state = kind in {"transition", "fulfillment"}
    facts = Markup("").join(
        Markup('<span><span class="quiet">{}</span> {}</span>').format(
            name.replace("_", " "), linked(redacted(str(value)))
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
    name_plural = "Payment links"
    search = ("id", "invoice")
    slices = {"in force": "revoked_at IS NULL AND expires_at > now()"}
    column_list = ["id", "invoice", "expires_at", "revoked_at", "asked_at", "created_at"]
