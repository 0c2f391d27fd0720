"""HTTP in: what is accepted (schemas), by whom (deps.py), where it goes (routers), and how errors look (errors.py)."""
