"""Calls to Stripe: client, errors, pace. Nothing else imports Stripe's SDK."""
