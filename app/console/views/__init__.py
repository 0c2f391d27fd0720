"""The console's views, one per table, in the order of its menu."""

from app.console.views.access import ApiKeyView, AuditEntryView, RateBucketView
from app.console.views.actions import FulfillmentActionView
from app.console.views.inbox import WebhookEventView
from app.console.views.invoices import ChangeView, FulfillmentView, InvoiceView, PaymentLinkView
from app.console.views.mirrors import CustomerView, PriceView, ProductView
from app.console.views.operations import OperationView
from app.console.views.outgoing import DeliveryView, WebhookEndpointView
from app.console.views.reading import ReadOnlyView

VIEWS: tuple[type[ReadOnlyView], ...] = (
    InvoiceView,
    FulfillmentView,
    ChangeView,
    PaymentLinkView,
    CustomerView,
    ProductView,
    PriceView,
    WebhookEventView,
    OperationView,
    FulfillmentActionView,
    WebhookEndpointView,
    DeliveryView,
    ApiKeyView,
    AuditEntryView,
    RateBucketView,
)

__all__ = ["VIEWS", "ReadOnlyView"]
