"""HTTP: middleware, authentication, rate limits, problem documents, pagination and what all routes share."""
