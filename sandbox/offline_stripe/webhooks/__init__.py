"""Signed deliveries of recorded events."""
