"""Use cases, one module per noun. They own the transactions; none of them spans a call to Stripe."""
