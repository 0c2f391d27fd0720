"""Mail to customers: what it says (letters.py, templates) and how it is handed to a mail server (delivery.py)."""
