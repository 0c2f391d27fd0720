"""Which of Stripe's events show that a step was done: their types, by the step and the path that it posts to.

A type that is missing here would make a step look as if it had not happened, and it would be done again. A type too many
only makes the search longer. Stripe takes at most twenty types in one search.
"""

from collections.abc import Mapping, Sequence

KINDS: Mapping[str, str] = {"products": "product", "prices": "price", "customers": "customer", "invoices": "invoice"}
"""The kind of object that is created by a POST to `/v1/…`; its events carry that kind in their type."""


def _types(kind: str, *happened: str) -> tuple[str, ...]:
    return tuple(f"{kind}.{one}" for one in happened)


_ITEMS = _types("invoice", "updated") + _types("invoiceitem", "created", "updated", "deleted")

INVOICE_STEPS: Mapping[str, Sequence[str]] = {
    "items": _ITEMS,
    "edit_items": _ITEMS,
    "finalize": _types("invoice", "finalized"),
    "send": _types("invoice", "finalized", "sent"),
    "pay": (
        *_types("invoice", "paid", "payment_succeeded", "payment_failed", "payment_action_required", "updated"),
        *_types("invoice_payment", "paid"),
        *_types(
            "payment_intent", "created", "processing", "succeeded", "payment_failed", "requires_action", "canceled"
        ),
        *_types("charge", "pending", "succeeded", "failed"),
    ),
    "void": _types("invoice", "voided"),
    "mark_uncollectible": _types("invoice", "marked_uncollectible"),
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
