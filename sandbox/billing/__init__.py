"""The rules: how invoices are drafted, finalized, collected and closed."""
