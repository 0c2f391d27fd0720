"""What Stripe delivers: verified (signature.py), recorded once (inbox.py), and what each event does (handlers.py)."""
