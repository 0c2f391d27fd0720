"""ORM classes over the tables, for sqladmin alone: SQLAlchemy's ORM takes a third of a second to import."""

from typing import Any

from sqlalchemy import Table, func
from sqlalchemy.orm import DeclarativeBase, column_property

from app.db import schema
from app.db.schema.fulfillments import EFFECTIVE_STATUS


class Model(DeclarativeBase):
    """The base class: a table as an ORM class."""

    metadata = schema.metadata


def model_of(table: Table, name: str, **more: Any) -> type[Model]:
    """The class of a table. SQLAlchemy reserves the name `metadata`, so such a column is called `metadata_`."""
    renamed = {"metadata_": table.c.metadata} if "metadata" in table.c else {}
    return type(name, (Model,), {"__table__": table, **renamed, **more})


Invoice = model_of(schema.invoices, "Invoice")
StuckInvoice = model_of(schema.invoices, "StuckInvoice")
_STATUSES = {"earlier_status": schema.fulfillments.c.status, "status": column_property(EFFECTIVE_STATUS)}
Fulfillment = model_of(schema.fulfillments, "Fulfillment", **_STATUSES)
Change = model_of(schema.changes, "Change")
PaymentLink = model_of(schema.payment_links, "PaymentLink")
_OCCASION = schema.fulfillment_actions.c.moment
_MOMENT = column_property(func.split_part(_OCCASION, ":", 1))
FulfillmentAction = model_of(schema.fulfillment_actions, "FulfillmentAction", occasion=_OCCASION, moment=_MOMENT)
Reminder = model_of(schema.reminders, "Reminder")
_KEY = {"primary_key": [schema.webhook_events.c.id]}
WebhookEvent = model_of(schema.webhook_events, "WebhookEvent", __mapper_args__=_KEY)
Operation = model_of(schema.operations, "Operation")
WebhookEndpoint = model_of(schema.webhook_endpoints, "WebhookEndpoint")
Delivery = model_of(schema.deliveries, "Delivery")
ApiKey = model_of(schema.api_keys, "ApiKey")
AuditEntry = model_of(schema.audit_log, "AuditEntry")
RateBucket = model_of(schema.rate_buckets, "RateBucket")
