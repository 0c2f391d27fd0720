"""Derives rows from stored events and columns: missing documents, the rebuild, and the rehearsal of an upgrade."""
