"""Invoices and their items, from the draft to the end."""
