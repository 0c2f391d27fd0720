"""ORM classes over the tables, for sqladmin alone: SQLAlchemy's ORM takes a third of a second to import."""

from typing import Any

from sqlalchemy import Table, func
from sqlalchemy.orm import DeclarativeBase, column_property

from app.db import schema
from app.db.schema.fulfillments import EFFECTIVE_STATUS


class Model(DeclarativeBase):
    """The base class: a table as an ORM class."""

    metadata = schema.metadata


def _of(table: Table, name: str, **more: Any) -> type[Model]:
    """The class of a table. SQLAlchemy reserves the name `metadata`, so such a column is called `metadata_`."""
    renamed = {"metadata_": table.c.metadata} if "metadata" in table.c else {}
    return type(name, (Model,), {"__table__": table, **renamed, **more})


Product = _of(schema.products, "Product")
Price = _of(schema.prices, "Price")
Customer = _of(schema.customers, "Customer")
Invoice = _of(schema.invoices, "Invoice")
StuckInvoice = _of(schema.invoices, "StuckInvoice")
Refund = _of(schema.refunds, "Refund")
CreditNote = _of(schema.credit_notes, "CreditNote")
Dispute = _of(schema.disputes, "Dispute")
PaymentMethod = _of(schema.payment_methods, "PaymentMethod")
TaxRate = _of(schema.tax_rates, "TaxRate")
TaxId = _of(schema.tax_ids, "TaxId")
Coupon = _of(schema.coupons, "Coupon")
PromotionCode = _of(schema.promotion_codes, "PromotionCode")
_STATUSES = {"earlier_status": schema.fulfillments.c.status, "status": column_property(EFFECTIVE_STATUS)}
Fulfillment = _of(schema.fulfillments, "Fulfillment", **_STATUSES)
Change = _of(schema.changes, "Change")
PaymentLink = _of(schema.payment_links, "PaymentLink")
_OCCASION = schema.fulfillment_actions.c.moment
_MOMENT = column_property(func.split_part(_OCCASION, ":", 1))
FulfillmentAction = _of(schema.fulfillment_actions, "FulfillmentAction", occasion=_OCCASION, moment=_MOMENT)
Reminder = _of(schema.reminders, "Reminder")
_KEY = {"primary_key": [schema.webhook_events.c.id]}
WebhookEvent = _of(schema.webhook_events, "WebhookEvent", __mapper_args__=_KEY)
Operation = _of(schema.operations, "Operation")
WebhookEndpoint = _of(schema.webhook_endpoints, "WebhookEndpoint")
Delivery = _of(schema.deliveries, "Delivery")
ApiKey = _of(schema.api_keys, "ApiKey")
AuditEntry = _of(schema.audit_log, "AuditEntry")
RateBucket = _of(schema.rate_buckets, "RateBucket")
