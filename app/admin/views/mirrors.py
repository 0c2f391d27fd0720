"""The views of customers, the catalog, taxes and discounts, and of what came back of invoices."""

from app.admin.models import (
    Coupon,
    CreditNote,
    Customer,
    Dispute,
    PaymentMethod,
    Price,
    Product,
    PromotionCode,
    Refund,
    TaxId,
    TaxRate,
)
from app.admin.views.mirrored import MirroredView
from app.domain.sources import Personal
from app.stripe.mapping import FIELDS, Kind


class CustomerView(MirroredView, model=Customer):
    """Customers. Only admins see what erasure would remove."""

    kind = Kind.CUSTOMER
    group = "Customers and catalog"
    named = "name"
    related = ("invoice", "fulfillment", "credit-note", "payment-method", "tax-id")
    search = ("id", "email", "reference")
    personal = frozenset(FIELDS[Kind.CUSTOMER].marked(Personal)) - {"default_payment_method"} | {"metadata_"}
    column_list = ["id", "name", "email", "reference", "created_at", "deleted_at"]


class PaymentMethodView(MirroredView, model=PaymentMethod):
    """Saved payment methods. Only admins see what erasure would remove."""

    kind = Kind.PAYMENT_METHOD
    group = "Customers and catalog"
    name = "Payment method"
    search = ("id", "customer")
    personal = frozenset(FIELDS[Kind.PAYMENT_METHOD].marked(Personal))
    column_list = ["id", "customer", "type", "brand", "last4", "mandate_status", "created_at", "deleted_at"]


class ProductView(MirroredView, model=Product):
    kind = Kind.PRODUCT
    group = "Customers and catalog"
    search = ("id", "reference")
    column_list = ["id", "name", "active", "reference", "created_at"]


class PriceView(MirroredView, model=Price):
    kind = Kind.PRICE
    group = "Customers and catalog"
    search = ("id", "product", "reference")
    column_list = ["id", "product", "unit_amount", "currency", "active", "nickname", "created_at"]


class TaxRateView(MirroredView, model=TaxRate):
    kind = Kind.TAX_RATE
    group = "Customers and catalog"
    search = ("id", "reference")
    column_list = ["id", "display_name", "percentage", "inclusive", "country", "active", "created_at"]


class TaxIdView(MirroredView, model=TaxId):
    """Tax ids. Only admins see what erasure would remove."""

    kind = Kind.TAX_ID
    group = "Customers and catalog"
    search = ("id", "customer")
    personal = frozenset(FIELDS[Kind.TAX_ID].marked(Personal))
    column_list = ["id", "customer", "type", "value", "country", "verification", "created_at"]


class CouponView(MirroredView, model=Coupon):
    kind = Kind.COUPON
    group = "Customers and catalog"
    search = ("id", "reference")
    column_list = ["id", "name", "percent_off", "amount_off", "currency", "times_redeemed", "valid", "created_at"]


class PromotionCodeView(MirroredView, model=PromotionCode):
    kind = Kind.PROMOTION_CODE
    group = "Customers and catalog"
    search = ("id", "code", "coupon", "customer", "reference")
    column_list = ["id", "code", "coupon", "active", "customer", "times_redeemed", "expires_at", "created_at"]


class RefundView(MirroredView, model=Refund):
    kind = Kind.REFUND
    group = "Invoices"
    search = ("id", "invoice", "customer", "payment_intent", "reference")
    column_list = ["id", "invoice", "customer", "amount", "status", "reason", "created_at"]


class CreditNoteView(MirroredView, model=CreditNote):
    kind = Kind.CREDIT_NOTE
    group = "Invoices"
    named = "number"
    search = ("id", "invoice", "customer", "number", "reference")
    column_list = ["id", "number", "invoice", "customer", "total", "status", "type", "created_at"]


class DisputeView(MirroredView, model=Dispute):
    kind = Kind.DISPUTE
    group = "Invoices"
    search = ("id", "invoice", "customer", "payment_intent")
    column_list = ["id", "invoice", "customer", "amount", "status", "reason", "evidence_due_at", "created_at"]
