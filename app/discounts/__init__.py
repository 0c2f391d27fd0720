"""Coupons and promotion codes: what takes something off an invoice."""
