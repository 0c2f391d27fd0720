"""The API's resources: one module each, with its handlers and its table of routes."""

from sandbox.resources import (
    customers,
    invoice_items,
    invoice_lines,
    invoice_payments,
    invoices,
    payment_intents,
    payment_methods,
    prices,
    products,
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
    payment_intents,
)
ROUTER = Router(route for module in MODULES for route in module.ROUTES)
