"""The job loop, the notification listener and the periodic tasks."""
