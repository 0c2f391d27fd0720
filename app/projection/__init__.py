"""Writes snapshots of Stripe's objects into rows."""
