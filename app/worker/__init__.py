"""Durable background work: processes the inbox (processing.py, runner.py), does fulfillment actions (acting.py)."""
