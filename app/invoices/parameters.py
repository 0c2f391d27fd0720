"""The parameters that Stripe is given for an invoice, and what is read from its answers."""

from collections.abc import Mapping

import msgspec

from app.domain.errors import ValidationFailed
from app.domain.invoice import LEADS_TO, Act, InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.policy import METADATA
from app.domain.sources import id_of
from app.http.schemas import MOST_METADATA
from app.idempotency.steps import Done
from app.invoices.schemas import InvoiceCreate
from app.stripe.parameters import stripe_parameters

IN_METADATA = frozenset({"metadata", "reminders"})
"""What Stripe's metadata holds of an invoice, so that it may change whatever became of the invoice."""
SHOW_PAYMENTS = {"expand": ["payments"]}
SHOW_SECRET = {"expand": ["payments", "confirmation_secret"]}
ON_OPEN = IN_METADATA | frozenset({"auto_advance", "default_payment_method", "payment_settings"})
"""What of an invoice may change after it is finalized."""


def draft(params: JsonView, days_until_due: int) -> JsonObject:
    """The Stripe parameters of a new draft. Stripe takes what the caller left out from the customer.

    `days_until_due` applies to an invoice that is sent, if the caller gave no due date.
    """
    wanted: JsonObject = {"pending_invoice_items_behavior": "exclude", **stripe_parameters(InvoiceCreate, params)}
    policy = {name: value for name, value in (params.get("fulfillment_policy") or {}).items() if value is not None}
    if policy:
        wanted["metadata"] = wanted.get("metadata", {}) | {METADATA: msgspec.json.encode(policy).decode()}
    if len(wanted.get("metadata", ())) > MOST_METADATA:
        beside = "reference, reminders and fulfillment_policy"
        raise ValidationFailed(f"metadata: at most {MOST_METADATA} keys with those of {beside}.", param="metadata")
    if wanted["collection_method"] == "send_invoice" and "due_date" not in wanted:
        wanted.setdefault("days_until_due", days_until_due)
    return wanted


def takes_pending(params: JsonView) -> bool:
    """Whether the new draft takes the customer's pending items (InvoiceCreate)."""
    return params.get("pending_invoice_items_behavior") == "include"


def may_have_items(params: JsonView) -> bool:
    """Whether the new invoice may have items, or may be empty (InvoiceCreate)."""
    return bool(params.get("items") or params.get("allow_empty") or takes_pending(params))


def needed_to_change(params: JsonView) -> Act | None:
    """The act that the state of an invoice must allow for a change (InvoiceUpdate); None if every state does."""
    if not set(params) - IN_METADATA:
        return None
    return Act.UPDATE if set(params) - ON_OPEN else Act.CHANGE_COLLECTION


def has_lines(invoice: JsonView) -> bool:
    return bool(invoice["lines"]["data"])


def is_paid_by(payment_id: str) -> Done:
    """A function that tells from an invoice with its payments whether a PaymentIntent or payment record is attached."""
    return lambda invoice: any(
        payment_id in {id_of(payment["payment"].get(name)) for name in ("payment_intent", "payment_record")}
        for payment in invoice["payments"]["data"]
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
