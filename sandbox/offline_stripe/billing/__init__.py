"""The rules by which invoices are drafted, finalized, collected and closed."""
