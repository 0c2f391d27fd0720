"""Reads the state of the service and its queues, and serves the metrics to Prometheus."""
