"""The parameters that Stripe is given for an invoice, and what is read from its answers."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from app.domain.invoice import LEADS_TO, Act, InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.policy import METADATA
from app.domain.sources import id_of
from app.idempotency.steps import Done
from app.projection.write_through import stripe_params

DRAFT_FIELDS = (
    "collection_method", "days_until_due", "auto_advance", "description", "footer", "statement_descriptor", "custom_fields",
)  # fmt: skip


def draft(params: JsonView, days_until_due: int) -> JsonObject:
    """The Stripe parameters of a new draft. Stripe takes what the caller left out from the customer.

    `days_until_due` applies to an invoice that is sent, if the caller gave no due date.
    """
    wanted = stripe_params(params, "customer", *DRAFT_FIELDS) | due(params)
    policy = {name: value for name, value in (params.get("fulfillment_policy") or {}).items() if value is not None}
    if policy:
        wanted["metadata"] = wanted.get("metadata", {}) | {METADATA: msgspec.json.encode(policy).decode()}
    if wanted["collection_method"] == "send_invoice" and "due_date" not in wanted:
        wanted.setdefault("days_until_due", days_until_due)
    return wanted | {"pending_invoice_items_behavior": "exclude"}


def due(params: JsonView) -> JsonObject:
    """The Stripe parameter of `due_at`, if it is given."""
    due_at = params.get("due_at")
    return {"due_date": int(datetime.fromisoformat(due_at).timestamp())} if due_at else {}


def has_lines(invoice: JsonView) -> bool:
    """Whether the invoice has items."""
    return bool(invoice["lines"]["data"])


def is_paid_by(payment_intent: str) -> Done:
    """A function that tells from an invoice with its payments whether the PaymentIntent is attached."""
    return lambda invoice: any(
        id_of(payment["payment"].get("payment_intent")) == payment_intent for payment in invoice["payments"]["data"]
    )


def replaced_by(invoice: JsonView) -> str | None:
    """The invoice that `invoice`, a finalized revision, replaces."""
    revised = invoice.get("from_invoice") or {}
    return None if invoice["status"] == InvoiceStatus.DRAFT else id_of(revised.get("invoice"))


def shows(act: Act) -> Done:
    """A function that tells from an invoice's status whether `act` was done."""
    return lambda invoice: invoice["status"] in LEADS_TO.get(act, ())


def client_secret(invoice: Mapping[str, JsonObject | None]) -> str | None:
    """The secret by which a front end confirms the payment, if Stripe's answer has it."""
    secret = invoice.get("confirmation_secret")
    return secret["client_secret"] if secret else None
