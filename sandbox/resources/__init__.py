"""The API's resources: one module each, with its handlers and its table of routes."""

from sandbox.resources import (
    account,
    charges,
    coupons,
    credit_notes,
    customers,
    disputes,
    early_fraud_warnings,
    events,
    invoice_items,
    invoice_lines,
    invoice_payments,
    invoice_preview,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
    refunds,
    tax_rates,
    webhook_endpoints,
)
from sandbox.wire.routing import Router

MODULES = (
    products,
    prices,
    customers,
    payment_methods,
    invoice_items,
    invoices,
    invoice_lines,
    invoice_payments,
    invoice_preview,
    payment_intents,
    charges,
    refunds,
    disputes,
    early_fraud_warnings,
    credit_notes,
    tax_rates,
    coupons,
    events,
    webhook_endpoints,
    account,
)
ROUTER = Router(route for module in MODULES for route in module.ROUTES)
