"""Disputes: payments that a customer's bank takes back."""
