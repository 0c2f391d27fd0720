"""The types of Stripe's events that show that a step was done, by step and path.

If a type were missing, a step would look undone and would be repeated. A type too many only lengthens the search.
Stripe accepts at most twenty types per search.
"""

from collections.abc import Mapping, Sequence

UNTOLD = frozenset({"payment_records"})
"""The lists whose objects no event tells of."""
LISTED: Mapping[str, str] = {"/v1/payment_records/report_payment": "/v1/payment_records"}
"""Where a POST makes an object that no event tells of, and the list in which it is found by OPERATION in its metadata."""
OPERATION = "operation"


def _types(kind: str, *happened: str) -> tuple[str, ...]:
    return tuple(f"{kind}.{one}" for one in happened)


_ITEMS = _types("invoice", "updated") + _types("invoiceitem", "created", "updated", "deleted")

INVOICE_STEPS: Mapping[str, Sequence[str]] = {
    "change_collection": _types("invoice", "updated"),
    "items": _ITEMS,
    "remove_items": _ITEMS,
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
    "attach_payment": _types("invoice", "updated", "paid") + _types("invoice_payment", "paid"),
}
RETURN_STEPS: Mapping[str, Sequence[str]] = {
    "cancel": _types("refund", "updated", "failed") + _types("payment_intent", "canceled"),
    "void_credit_note": _types("credit_note", "voided"),
}
METHOD_STEPS: Mapping[str, Sequence[str]] = {
    "attach": _types("payment_method", "attached"),
    "detach": _types("payment_method", "detached"),
    "set_default": _types("customer", "updated"),
    "update_payment": _types("payment_intent", "requires_action"),
}


def of(step: str, path: str) -> Sequence[str]:
    """The event types that `step`, a POST to `path`, leads to; none where only the object itself tells."""
    collection = path.split("/")[2]
    if collection in UNTOLD:
        return ()
    kind = "customer.tax_id" if collection == "tax_ids" else collection.removesuffix("s")
    match step.partition("-")[0]:  # of several creates in a request each has a number
        case "create":
            return (f"{kind}.created",)
        case "update":
            return (f"{kind}.updated",)
    return {**INVOICE_STEPS, **RETURN_STEPS, **METHOD_STEPS}[step]
