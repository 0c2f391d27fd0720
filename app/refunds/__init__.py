"""Refunds: what was paid and is given back."""
