"""Stripe's objects with every key they show; no rules."""
