"""The console's views, one per table, in the order of its menu."""

from app.admin.views.access import ApiKeyView, AuditEntryView, RateBucketView
from app.admin.views.inbox import OperationView, WebhookEventView
from app.admin.views.invoices import ChangeView, FulfillmentView, InvoiceView, PaymentLinkView, StuckInvoiceView
from app.admin.views.mirrors import CATALOG, RETURNS
from app.admin.views.outgoing import DeliveryView, FulfillmentActionView, ReminderView, WebhookEndpointView
from app.admin.views.table import ReadOnlyView

VIEWS: tuple[type[ReadOnlyView], ...] = (
    StuckInvoiceView, InvoiceView, FulfillmentView, *RETURNS.values(), ChangeView, PaymentLinkView, *CATALOG.values(),
    WebhookEventView, OperationView, FulfillmentActionView, ReminderView, WebhookEndpointView, DeliveryView,
    ApiKeyView, AuditEntryView, RateBucketView,
)  # fmt: skip

__all__ = ["VIEWS", "ReadOnlyView"]
