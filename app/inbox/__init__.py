"""Stripe's events: verify, store once, process, reconcile."""
