"""API keys, tokens, scopes, rate limits and the audit log."""
