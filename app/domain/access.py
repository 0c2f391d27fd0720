"""Authorization: the kinds of callers, their scopes, and the rule of each operation of the API.

An operation without a rule is refused to everybody. Authentication is done elsewhere. Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import Forbidden, NotFound


class Scope(StrEnum):
    """What a key may do. `…:write` includes `…:read` of the same resource; `admin` includes everything.

    `refunds` and `credit_notes` give money back, which `invoices:write` does not. `events` are Stripe's, as they were
    delivered; `feed` is what happened here, without what is personal.
    """

    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    PRICES_READ = "prices:read"
    PRICES_WRITE = "prices:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    TAX_RATES_READ = "tax_rates:read"
    TAX_RATES_WRITE = "tax_rates:write"
    COUPONS_READ = "coupons:read"
    COUPONS_WRITE = "coupons:write"
    PROMOTION_CODES_READ = "promotion_codes:read"
    PROMOTION_CODES_WRITE = "promotion_codes:write"
    INVOICES_READ = "invoices:read"
    INVOICES_WRITE = "invoices:write"
    REFUNDS_READ = "refunds:read"
    REFUNDS_WRITE = "refunds:write"
    CREDIT_NOTES_READ = "credit_notes:read"
    CREDIT_NOTES_WRITE = "credit_notes:write"
    DISPUTES_READ = "disputes:read"
    REPORTS_READ = "reports:read"
    FULFILLMENTS_READ = "fulfillments:read"
    FULFILLMENTS_WRITE = "fulfillments:write"
    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    FEED_READ = "feed:read"
    WEBHOOK_ENDPOINTS_READ = "webhook_endpoints:read"
    WEBHOOK_ENDPOINTS_WRITE = "webhook_endpoints:write"
    CONSOLE_READ = "console:read"
    ADMIN = "admin"

    @property
    def granting(self) -> frozenset["Scope"]:
        """The scopes each of which includes this one."""
        return _GRANTING[self]


_GRANTING = {
    scope: frozenset(
        {scope, Scope.ADMIN} | {other for other in Scope if other.value == scope.value.replace(":read", ":write")}
    )
    for scope in Scope
}


class CallerKind(StrEnum):
    """How a caller authenticated: with the operator's key, a service's key, or a token of the identity provider."""

    BOOTSTRAP = "bootstrap"
    SERVICE = "service"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller.

    Idempotency keys, rate limits and the audit log use `id`, which survives a key's rotation.

    `customer` is whose objects a CUSTOMER sees; empty if the token's claim names no customer known here.
    """

    id: str
    kind: CallerKind
    scopes: frozenset[Scope] = frozenset()
    customer: str | None = None


BOOTSTRAP = Caller("bootstrap", CallerKind.BOOTSTRAP, frozenset({Scope.ADMIN}))


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call an operation: keys with `scope`, and, if `customers`, customers for their own objects."""

    scope: Scope
    customers: bool = False


OPERATIONS: dict[Scope, tuple[str, ...]] = {
    Scope.PRODUCTS_READ: ("list_products", "get_product"),
    Scope.PRODUCTS_WRITE: ("create_product", "update_product", "delete_product"),
    Scope.PRICES_READ: ("list_prices", "get_price"),
    Scope.PRICES_WRITE: ("create_price", "update_price"),
    Scope.CUSTOMERS_READ: (
        "list_customers", "get_customer", "list_payment_methods", "get_setup_intent", "list_tax_ids", "get_tax_id",
    ),
    Scope.CUSTOMERS_WRITE: (
        "create_customer", "update_customer", "delete_customer", "attach_payment_method", "detach_payment_method",
        "set_default_payment_method", "create_setup_intent", "create_portal_link", "revoke_portal_link",
        "create_tax_id", "delete_tax_id",
    ),
    Scope.TAX_RATES_READ: ("list_tax_rates", "get_tax_rate"),
    Scope.TAX_RATES_WRITE: ("create_tax_rate", "update_tax_rate"),
    Scope.COUPONS_READ: ("list_coupons", "get_coupon"),
    Scope.COUPONS_WRITE: ("create_coupon", "update_coupon", "delete_coupon"),
    Scope.PROMOTION_CODES_READ: ("list_promotion_codes", "get_promotion_code"),
    Scope.PROMOTION_CODES_WRITE: ("create_promotion_code", "update_promotion_code"),
    Scope.INVOICES_READ: (
        "list_invoices", "export_invoices", "get_invoice", "preview_invoice", "get_hosted_pages",
        "list_invoice_payments", "get_invoice_timeline",
    ),
    Scope.INVOICES_WRITE: (
        "create_invoice", "revise_invoice", "copy_invoice", "update_invoice", "delete_invoice", "add_items",
        "replace_items", "update_item", "delete_item", "finalize_invoice", "send_invoice", "pay_invoice",
        "void_invoice", "mark_uncollectible", "get_client_secret", "create_payment_link", "revoke_payment_link",
        "attach_payment", "report_payment_record", "update_payment_intent",
    ),
    Scope.REFUNDS_READ: ("list_refunds", "get_refund"),
    Scope.REFUNDS_WRITE: ("create_refund", "cancel_refund"),
    Scope.CREDIT_NOTES_READ: ("preview_credit_note", "list_credit_notes", "get_credit_note"),
    Scope.CREDIT_NOTES_WRITE: ("create_credit_note", "void_credit_note"),
    Scope.DISPUTES_READ: ("list_disputes", "get_dispute"),
    Scope.REPORTS_READ: ("get_balance_report", "get_balance_report_csv"),
    Scope.FULFILLMENTS_READ: (
        "get_fulfillment", "list_fulfillments", "list_fulfillment_actions", "get_fulfillment_action",
    ),
    Scope.FULFILLMENTS_WRITE: ("retry_fulfillment_action",),
    Scope.EVENTS_READ: ("list_webhook_events", "get_webhook_event"),
    Scope.EVENTS_WRITE: ("replay_webhook_event",),
    Scope.FEED_READ: ("list_events", "stream_events", "stream_invoice_events"),
    Scope.WEBHOOK_ENDPOINTS_READ: ("list_webhook_endpoints", "get_webhook_endpoint", "list_deliveries", "get_delivery"),
    Scope.WEBHOOK_ENDPOINTS_WRITE: (
        "create_webhook_endpoint", "update_webhook_endpoint", "delete_webhook_endpoint", "rotate_webhook_secret",
        "ping_webhook_endpoint", "redeliver_many", "redeliver",
    ),
    Scope.ADMIN: (
        "create_api_key", "list_api_keys", "get_api_key", "rotate_api_key", "revoke_api_key", "list_audit_log",
    ),
}  # fmt: skip
"""The operations under /v1 that each scope allows, by operation id. A client secret allows paying, so reading it is a write."""
FOR_CUSTOMERS = frozenset({
    "list_payment_methods", "detach_payment_method", "set_default_payment_method", "create_setup_intent",
    "get_setup_intent", "create_tax_id", "list_tax_ids", "get_tax_id", "delete_tax_id", "list_invoices",
    "export_invoices", "get_invoice", "pay_invoice", "get_client_secret", "get_hosted_pages", "get_fulfillment",
    "list_fulfillments", "list_events", "stream_events", "stream_invoice_events",
})  # fmt: skip
"""The operations that customers may call, too, for what is their own."""
RULES = {name: Rule(scope, name in FOR_CUSTOMERS) for scope, names in OPERATIONS.items() for name in names}


def require_allowed(caller: Caller, operation: str) -> None:
    """Raise Forbidden if `caller` may not call `operation`; NotFound if a customer may not know of it."""
    rule = RULES.get(operation)
    if caller.kind is CallerKind.CUSTOMER:
        if rule is None or not rule.customers:
            raise NotFound("There is nothing here.")
    elif rule is None:
        raise Forbidden(f"No rule says who may call {operation}, so nobody may.")
    elif not caller.scopes & rule.scope.granting:
        raise Forbidden(f"This key lacks the scope {rule.scope.value}.")


def require_own_payment(caller: Caller, *, out_of_band: bool) -> None:
    """Raise Forbidden if a customer claims a payment out of band: only the merchant may record one."""
    if caller.kind is CallerKind.CUSTOMER and out_of_band:
        raise Forbidden("A payment made out of band is recorded by the merchant.", param="paid_out_of_band")
