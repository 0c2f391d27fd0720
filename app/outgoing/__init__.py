"""Webhooks to the endpoints of others."""
