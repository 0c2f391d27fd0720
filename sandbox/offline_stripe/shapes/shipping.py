"""Shipping rates, and what shipping costs on an invoice."""

from offline_stripe.documents import Document


def shipping_rate(**fields: object) -> Document:
    return {
        "id": None,
        "object": "shipping_rate",
        "active": True,
        "created": None,
        "delivery_estimate": None,
        "display_name": None,
        "fixed_amount": None,
        "livemode": False,
        "metadata": {},
        "tax_behavior": "unspecified",
        "tax_code": None,
        "type": "fixed_amount",
        **fields,
    }


def shipping_cost(*, amount: int, rate: str) -> Document:
    return {"amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "shipping_rate": rate, "taxes": []}
