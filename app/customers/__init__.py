"""Customers, their personal data, and its erasure."""
