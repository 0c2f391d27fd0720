"""Owns the schema: the tables, their constraints and their indexes, as SQLAlchemy models.

Migrations are written from it, and tests fail where the migrations or the column lists of tables.py drift from it. The
service itself speaks asyncpg and does not load this.
"""

from app.db.models.access import ApiKey, AuditEntry, RateBucket
from app.db.models.actions import ConfiguredAction, FulfillmentAction
from app.db.models.fulfillments import Change, Feed, Fulfillment, PaymentLink
from app.db.models.inbox import Coverage, Tombstone, WebhookEvent
from app.db.models.mapped import Model
from app.db.models.mirrors import Customer, Invoice, InvoiceItem, InvoicePayment, Price, Product
from app.db.models.operations import Operation, ReferenceClaim
from app.db.models.outgoing import Delivery, WebhookEndpoint

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Change",
    "ConfiguredAction",
    "Coverage",
    "Customer",
    "Delivery",
    "Feed",
    "Fulfillment",
    "FulfillmentAction",
    "Invoice",
    "InvoiceItem",
    "InvoicePayment",
    "Model",
    "Operation",
    "PaymentLink",
    "Price",
    "Product",
    "RateBucket",
    "ReferenceClaim",
    "Tombstone",
    "WebhookEndpoint",
    "WebhookEvent",
]
