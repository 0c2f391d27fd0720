"""HTTP: middleware, authentication, problem documents, pagination, and what all routes share."""
