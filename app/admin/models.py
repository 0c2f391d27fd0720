"""ORM classes over the tables of app/db/schema, for sqladmin to list and show.

Only the console imports them, because SQLAlchemy's ORM takes a third of a second to import.
"""

from sqlalchemy import func
from sqlalchemy.orm import DeclarativeBase, column_property

from app.db import schema
from app.db.schema.fulfillments import EFFECTIVE_STATUS


class Model(DeclarativeBase):
    """The base class: a table as an ORM class."""

    metadata = schema.metadata


class Product(Model):
    __table__ = schema.products
    metadata_ = schema.products.c.metadata


class Price(Model):
    __table__ = schema.prices
    metadata_ = schema.prices.c.metadata


class Customer(Model):
    __table__ = schema.customers
    metadata_ = schema.customers.c.metadata


class Invoice(Model):
    __table__ = schema.invoices
    metadata_ = schema.invoices.c.metadata


class StuckInvoice(Model):
    __table__ = schema.invoices
    metadata_ = schema.invoices.c.metadata


class Refund(Model):
    __table__ = schema.refunds
    metadata_ = schema.refunds.c.metadata


class CreditNote(Model):
    __table__ = schema.credit_notes
    metadata_ = schema.credit_notes.c.metadata


class Dispute(Model):
    __table__ = schema.disputes


class PaymentMethod(Model):
    __table__ = schema.payment_methods


class TaxRate(Model):
    __table__ = schema.tax_rates
    metadata_ = schema.tax_rates.c.metadata


class TaxId(Model):
    __table__ = schema.tax_ids


class Coupon(Model):
    __table__ = schema.coupons
    metadata_ = schema.coupons.c.metadata


class PromotionCode(Model):
    __table__ = schema.promotion_codes
    metadata_ = schema.promotion_codes.c.metadata


class Fulfillment(Model):
    __table__ = schema.fulfillments
    earlier_status = schema.fulfillments.c.status
    status = column_property(EFFECTIVE_STATUS)


class Change(Model):
    __table__ = schema.changes


class PaymentLink(Model):
    __table__ = schema.payment_links


class FulfillmentAction(Model):
    __table__ = schema.fulfillment_actions
    occasion = schema.fulfillment_actions.c.moment
    moment = column_property(func.split_part(schema.fulfillment_actions.c.moment, ":", 1))


class Reminder(Model):
    __table__ = schema.reminders


class WebhookEvent(Model):
    __table__ = schema.webhook_events
    __mapper_args__ = {"primary_key": [schema.webhook_events.c.id]}  # noqa: RUF012 -- SQLAlchemy reads it as declared


class Operation(Model):
    __table__ = schema.operations


class WebhookEndpoint(Model):
    __table__ = schema.webhook_endpoints


class Delivery(Model):
    __table__ = schema.deliveries


class ApiKey(Model):
    __table__ = schema.api_keys


class AuditEntry(Model):
    __table__ = schema.audit_log


class RateBucket(Model):
    __table__ = schema.rate_buckets
