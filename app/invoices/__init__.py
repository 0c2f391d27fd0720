"""Invoices and their items."""
