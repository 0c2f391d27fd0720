"""The schema: all tables with constraints and indexes, declared once as SQLAlchemy Core tables.

Migrations are written from it, and a test fails if they differ. Statements use these tables, and the console maps its
classes on them (app/admin/models.py).
"""

from sqlalchemy import Table

from app.db.schema.access import api_keys, audit_log, rate_buckets
from app.db.schema.actions import configured_actions, fulfillment_actions, fulfillment_policy, reminders
from app.db.schema.fulfillments import changes, feed, fulfillments, payment_links, portal_links
from app.db.schema.inbox import coverage, tombstones, webhook_events
from app.db.schema.metadata import metadata
from app.db.schema.mirrors import (
    credit_notes,
    customers,
    disputes,
    document_rebuilds,
    invoice_items,
    invoice_payments,
    invoices,
    payment_methods,
    prices,
    products,
    refunds,
    setup_intents,
)
from app.db.schema.operations import operations, reference_claims
from app.db.schema.outgoing import deliveries, webhook_endpoints
from app.db.schema.reports import balance_days
from app.db.schema.taxes import coupons, invoice_discounts, promotion_codes, tax_ids, tax_rates

__all__ = [
    "Table", "api_keys", "audit_log", "balance_days", "changes", "configured_actions", "coupons", "coverage",
    "credit_notes", "customers", "deliveries", "disputes", "document_rebuilds", "feed", "fulfillment_actions",
    "fulfillment_policy", "fulfillments", "invoice_discounts", "invoice_items", "invoice_payments", "invoices",
    "metadata", "operations", "payment_links", "payment_methods", "portal_links", "prices", "products",
    "promotion_codes", "rate_buckets", "reference_claims", "refunds", "reminders", "setup_intents", "tax_ids",
    "tax_rates", "tombstones", "webhook_endpoints", "webhook_events",
]  # fmt: skip
