"""The operators' console: a separate process over the same database, for people with an API key and a browser."""
