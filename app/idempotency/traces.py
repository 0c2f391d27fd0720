"""Which of Stripe's events show that a step was done: their types, by the step and the path that it posts to.

A type that is missing here would make a step look as if it had not happened, and it would be done again. A type too many
only makes the search longer. Stripe takes at most twenty types in one search.
"""

from collections.abc import Mapping, Sequence

KINDS: Mapping[str, str] = {"products": "product", "prices": "price", "customers": "customer", "invoices": "invoice"}
"""The kind of object that is created by a POST to `/v1/…`; its events carry that kind in their type."""

_ITEMS = ("invoice.updated", "invoiceitem.created", "invoiceitem.updated", "invoiceitem.deleted")

INVOICE_STEPS: Mapping[str, Sequence[str]] = {
    "items": _ITEMS,
    "edit_items": _ITEMS,
    "finalize": ("invoice.finalized",),
    "send": ("invoice.finalized", "invoice.sent"),
    "pay": (
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "invoice.updated",
        "invoice_payment.paid",
        "payment_intent.created",
        "payment_intent.processing",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "charge.pending",
        "charge.succeeded",
        "charge.failed",
    ),
    "void": ("invoice.voided",),
    "mark_uncollectible": ("invoice.marked_uncollectible",),
}


def of(step: str, path: str) -> Sequence[str]:
    """The types of events that `step`, a POST to `path`, leads to."""
    kind = KINDS[path.split("/")[2]]
    match step:
        case "create":
            return (f"{kind}.created",)
        case "update":
            return (f"{kind}.updated",)
    return INVOICE_STEPS[step]
