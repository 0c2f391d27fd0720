"""Fulfillments and the actions that follow them: mail and hooks."""
