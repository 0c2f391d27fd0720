"""Balance transactions, with every key Stripe shows."""

from sandbox.documents import Document


def balance_transaction(**fields: object) -> Document:
    """An entry of the account's balance."""
    return {
        "id": None,
        "object": "balance_transaction",
        "amount": 0,
        "available_on": None,
        "balance_type": "payments",
        "created": None,
        "currency": None,
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": 0,
        "reporting_category": "charge",
        "source": None,
        "status": "pending",
        "type": "charge",
        **fields,
    }


def fee_detail(*, amount: int, currency: str, description: str) -> Document:
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": description,
        "type": "stripe_fee",
    }
