"""Mail to customers: its text (letters.py, templates) and the SMTP client (delivery.py)."""
