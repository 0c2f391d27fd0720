"""Saved payment methods: attached to a customer, so that its invoices can be charged to them."""
