"""The only speaker to Stripe: calls (client.py), what its errors mean (errors.py), its objects as our rows (mapping.py)."""
