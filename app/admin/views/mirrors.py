"""The views of customers, the catalog, taxes and discounts, and of what came back of invoices."""

from types import new_class
from typing import Any

from app.admin.models import model_of
from app.admin.views.mirrored import MirroredView
from app.db.mirrored_documents import TABLES
from app.domain.sources import Personal
from app.stripe.mapping import FIELDS, Kind


def _view(kind: Kind, group: str, attributes: dict[str, Any]) -> type[MirroredView]:
    """The class of a view. Only admins see what erasure would remove."""
    name = kind.value.title().replace("_", "")
    personal = frozenset(FIELDS[kind].marked(Personal))
    body = {"kind": kind, "group": group, "personal": personal, **attributes}
    model = model_of(TABLES[kind], name)
    return new_class(f"{name}View", (MirroredView,), {"model": model}, lambda namespace: namespace.update(body))


def _views(group: str, shown: dict[Kind, dict[str, Any]]) -> dict[Kind, type[MirroredView]]:
    return {kind: _view(kind, group, attributes) for kind, attributes in shown.items()}


RETURNS = _views(
    "Invoices",
    {
        Kind.REFUND: {
            "search": ("id", "invoice", "customer", "payment_intent", "reference"),
            "column_list": ["id", "invoice", "customer", "amount", "status", "reason", "created_at"],
        },
        Kind.CREDIT_NOTE: {
            "named": "number",
            "search": ("id", "invoice", "customer", "number", "reference"),
            "column_list": ["id", "number", "invoice", "customer", "total", "status", "type", "created_at"],
        },
        Kind.DISPUTE: {
            "search": ("id", "invoice", "customer", "payment_intent"),
            "column_list": [
                "id", "invoice", "customer", "amount", "status", "reason", "evidence_due_at", "created_at"
            ],
        },
    },
)  # fmt: skip
CATALOG = _views(
    "Customers and catalog",
    {
        Kind.CUSTOMER: {
            "named": "name",
            "related": ("invoice", "fulfillment", "credit-note", "payment-method", "tax-id"),
            "search": ("id", "email", "reference"),
            "personal": frozenset(FIELDS[Kind.CUSTOMER].marked(Personal)) - {"default_payment_method"} | {"metadata_"},
            "column_list": ["id", "name", "email", "reference", "created_at", "deleted_at"],
        },
        Kind.PAYMENT_METHOD: {
            "name": "Payment method",
            "search": ("id", "customer"),
            "column_list": ["id", "customer", "type", "brand", "last4", "mandate_status", "created_at", "deleted_at"],
        },
        Kind.PRODUCT: {
            "search": ("id", "reference"),
            "column_list": ["id", "name", "active", "reference", "created_at"],
        },
        Kind.PRICE: {
            "search": ("id", "product", "reference"),
            "column_list": ["id", "product", "unit_amount", "currency", "active", "nickname", "created_at"],
        },
        Kind.TAX_RATE: {
            "search": ("id", "reference"),
            "column_list": ["id", "display_name", "percentage", "inclusive", "country", "active", "created_at"],
        },
        Kind.TAX_ID: {
            "search": ("id", "customer"),
            "column_list": ["id", "customer", "type", "value", "country", "verification", "created_at"],
        },
        Kind.COUPON: {
            "search": ("id", "reference"),
            "column_list": [
                "id", "name", "percent_off", "amount_off", "currency", "times_redeemed", "valid", "created_at"
            ],
        },
        Kind.PROMOTION_CODE: {
            "search": ("id", "code", "coupon", "customer", "reference"),
            "column_list": [
                "id", "code", "coupon", "active", "customer", "times_redeemed", "expires_at", "created_at"
            ],
        },
    },
)  # fmt: skip
