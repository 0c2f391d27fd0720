"""The operator's console: a process of its own over the same database, for people with a key and a browser."""
