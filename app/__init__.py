"""The invoicing service: it takes a Stripe invoice from draft to fulfilled, exactly once.

`docs/contributing/architecture.md` shows what each folder holds, and which may import which.
"""
