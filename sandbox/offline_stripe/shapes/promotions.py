"""Promotion codes, with every key Stripe shows."""

from offline_stripe.documents import Document


def promotion_code(**fields: object) -> Document:
    return {
        "id": None,
        "object": "promotion_code",
        "active": True,
        "code": None,
        "created": None,
        "customer": None,
        "customer_account": None,
        "expires_at": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "promotion": None,
        "restrictions": None,
        "times_redeemed": 0,
        **fields,
    }


def restrictions(sent: Document) -> Document:
    return {
        "first_time_transaction": sent.get("first_time_transaction", False),
        "minimum_amount": sent.get("minimum_amount"),
        "minimum_amount_currency": sent.get("minimum_amount_currency"),
    }
