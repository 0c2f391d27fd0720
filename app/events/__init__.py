"""The feed of events: pages, long poll and server-sent events."""
