"""Reports on the money of all invoices."""
