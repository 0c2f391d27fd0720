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


RULES = {
    "create_product": Rule(Scope.PRODUCTS_WRITE),
    "list_products": Rule(Scope.PRODUCTS_READ),
    "get_product": Rule(Scope.PRODUCTS_READ),
    "update_product": Rule(Scope.PRODUCTS_WRITE),
    "delete_product": Rule(Scope.PRODUCTS_WRITE),
    "create_price": Rule(Scope.PRICES_WRITE),
    "list_prices": Rule(Scope.PRICES_READ),
    "get_price": Rule(Scope.PRICES_READ),
    "update_price": Rule(Scope.PRICES_WRITE),
    "create_customer": Rule(Scope.CUSTOMERS_WRITE),
    "list_customers": Rule(Scope.CUSTOMERS_READ),
    "get_customer": Rule(Scope.CUSTOMERS_READ),
    "update_customer": Rule(Scope.CUSTOMERS_WRITE),
    "delete_customer": Rule(Scope.CUSTOMERS_WRITE),
    "list_payment_methods": Rule(Scope.CUSTOMERS_READ, customers=True),
    "attach_payment_method": Rule(Scope.CUSTOMERS_WRITE),
    "detach_payment_method": Rule(Scope.CUSTOMERS_WRITE, customers=True),
    "set_default_payment_method": Rule(Scope.CUSTOMERS_WRITE, customers=True),
    "create_setup_intent": Rule(Scope.CUSTOMERS_WRITE, customers=True),
    "get_setup_intent": Rule(Scope.CUSTOMERS_READ, customers=True),
    "create_portal_link": Rule(Scope.CUSTOMERS_WRITE),
    "revoke_portal_link": Rule(Scope.CUSTOMERS_WRITE),
    "create_tax_id": Rule(Scope.CUSTOMERS_WRITE, customers=True),
    "list_tax_ids": Rule(Scope.CUSTOMERS_READ, customers=True),
    "get_tax_id": Rule(Scope.CUSTOMERS_READ, customers=True),
    "delete_tax_id": Rule(Scope.CUSTOMERS_WRITE, customers=True),
    "create_tax_rate": Rule(Scope.TAX_RATES_WRITE),
    "list_tax_rates": Rule(Scope.TAX_RATES_READ),
    "get_tax_rate": Rule(Scope.TAX_RATES_READ),
    "update_tax_rate": Rule(Scope.TAX_RATES_WRITE),
    "create_coupon": Rule(Scope.COUPONS_WRITE),
    "list_coupons": Rule(Scope.COUPONS_READ),
    "get_coupon": Rule(Scope.COUPONS_READ),
    "update_coupon": Rule(Scope.COUPONS_WRITE),
    "delete_coupon": Rule(Scope.COUPONS_WRITE),
    "create_promotion_code": Rule(Scope.PROMOTION_CODES_WRITE),
    "list_promotion_codes": Rule(Scope.PROMOTION_CODES_READ),
    "get_promotion_code": Rule(Scope.PROMOTION_CODES_READ),
    "update_promotion_code": Rule(Scope.PROMOTION_CODES_WRITE),
    "create_invoice": Rule(Scope.INVOICES_WRITE),
    "list_invoices": Rule(Scope.INVOICES_READ, customers=True),
    "export_invoices": Rule(Scope.INVOICES_READ, customers=True),
    "get_invoice": Rule(Scope.INVOICES_READ, customers=True),
    "preview_invoice": Rule(Scope.INVOICES_READ),
    "revise_invoice": Rule(Scope.INVOICES_WRITE),
    "copy_invoice": Rule(Scope.INVOICES_WRITE),
    "update_invoice": Rule(Scope.INVOICES_WRITE),
    "delete_invoice": Rule(Scope.INVOICES_WRITE),
    "add_items": Rule(Scope.INVOICES_WRITE),
    "replace_items": Rule(Scope.INVOICES_WRITE),
    "update_item": Rule(Scope.INVOICES_WRITE),
    "delete_item": Rule(Scope.INVOICES_WRITE),
    "finalize_invoice": Rule(Scope.INVOICES_WRITE),
    "send_invoice": Rule(Scope.INVOICES_WRITE),
    "pay_invoice": Rule(Scope.INVOICES_WRITE, customers=True),
    "void_invoice": Rule(Scope.INVOICES_WRITE),
    "mark_uncollectible": Rule(Scope.INVOICES_WRITE),
    "get_client_secret": Rule(Scope.INVOICES_WRITE, customers=True),
    "get_hosted_pages": Rule(Scope.INVOICES_READ, customers=True),
    "create_payment_link": Rule(Scope.INVOICES_WRITE),
    "revoke_payment_link": Rule(Scope.INVOICES_WRITE),
    "attach_payment": Rule(Scope.INVOICES_WRITE),
    "report_payment_record": Rule(Scope.INVOICES_WRITE),
    "update_payment_intent": Rule(Scope.INVOICES_WRITE),
    "list_invoice_payments": Rule(Scope.INVOICES_READ),
    "create_refund": Rule(Scope.REFUNDS_WRITE),
    "list_refunds": Rule(Scope.REFUNDS_READ),
    "get_refund": Rule(Scope.REFUNDS_READ),
    "cancel_refund": Rule(Scope.REFUNDS_WRITE),
    "create_credit_note": Rule(Scope.CREDIT_NOTES_WRITE),
    "preview_credit_note": Rule(Scope.CREDIT_NOTES_READ),
    "list_credit_notes": Rule(Scope.CREDIT_NOTES_READ),
    "get_credit_note": Rule(Scope.CREDIT_NOTES_READ),
    "void_credit_note": Rule(Scope.CREDIT_NOTES_WRITE),
    "list_disputes": Rule(Scope.DISPUTES_READ),
    "get_dispute": Rule(Scope.DISPUTES_READ),
    "get_balance_report": Rule(Scope.REPORTS_READ),
    "get_balance_report_csv": Rule(Scope.REPORTS_READ),
    "get_fulfillment": Rule(Scope.FULFILLMENTS_READ, customers=True),
    "list_fulfillments": Rule(Scope.FULFILLMENTS_READ, customers=True),
    "list_fulfillment_actions": Rule(Scope.FULFILLMENTS_READ),
    "get_fulfillment_action": Rule(Scope.FULFILLMENTS_READ),
    "retry_fulfillment_action": Rule(Scope.FULFILLMENTS_WRITE),
    "list_webhook_events": Rule(Scope.EVENTS_READ),
    "get_webhook_event": Rule(Scope.EVENTS_READ),
    "replay_webhook_event": Rule(Scope.EVENTS_WRITE),
    "get_invoice_timeline": Rule(Scope.INVOICES_READ),
    "list_events": Rule(Scope.FEED_READ, customers=True),
    "stream_events": Rule(Scope.FEED_READ, customers=True),
    "stream_invoice_events": Rule(Scope.FEED_READ, customers=True),
    "create_webhook_endpoint": Rule(Scope.WEBHOOK_ENDPOINTS_WRITE),
    "list_webhook_endpoints": Rule(Scope.WEBHOOK_ENDPOINTS_READ),
    "get_webhook_endpoint": Rule(Scope.WEBHOOK_ENDPOINTS_READ),
    "update_webhook_endpoint": Rule(Scope.WEBHOOK_ENDPOINTS_WRITE),
    "delete_webhook_endpoint": Rule(Scope.WEBHOOK_ENDPOINTS_WRITE),
    "rotate_webhook_secret": Rule(Scope.WEBHOOK_ENDPOINTS_WRITE),
    "ping_webhook_endpoint": Rule(Scope.WEBHOOK_ENDPOINTS_WRITE),
    "list_deliveries": Rule(Scope.WEBHOOK_ENDPOINTS_READ),
    "redeliver_many": Rule(Scope.WEBHOOK_ENDPOINTS_WRITE),
    "get_delivery": Rule(Scope.WEBHOOK_ENDPOINTS_READ),
    "redeliver": Rule(Scope.WEBHOOK_ENDPOINTS_WRITE),
    "create_api_key": Rule(Scope.ADMIN),
    "list_api_keys": Rule(Scope.ADMIN),
    "get_api_key": Rule(Scope.ADMIN),
    "rotate_api_key": Rule(Scope.ADMIN),
    "revoke_api_key": Rule(Scope.ADMIN),
    "list_audit_log": Rule(Scope.ADMIN),
}
"""The rule of each operation under /v1, by operation id. A client secret allows paying, so reading it is a write."""


def require_allowed(caller: Caller, operation: str) -> None:
    """Raise Forbidden if `caller` may not call `operation`.

    Raises NotFound instead if a customer may not know of it.
    """
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
