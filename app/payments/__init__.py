"""PaymentIntents: what an attempt to pay came to."""
