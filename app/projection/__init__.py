"""Snapshots of Stripe's objects become rows."""
