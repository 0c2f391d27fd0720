"""Stripe's events: verified, stored once, processed, reconciled."""
