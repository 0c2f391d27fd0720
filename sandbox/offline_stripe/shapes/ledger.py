"""Balance transactions, payouts and the balance, with every key Stripe shows."""

from offline_stripe.documents import Document


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


def payout(**fields: object) -> Document:
    return {
        "id": None,
        "object": "payout",
        "amount": 0,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": None,
        "automatic": False,
        "balance_transaction": None,
        "created": None,
        "currency": None,
        "description": None,
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
        **fields,
    }


def balance(*, available: dict[str, int], pending: dict[str, int]) -> Document:
    """`GET /v1/balance`, from the sums by currency."""
    return {
        "object": "balance",
        "available": [_funds(currency, amount) for currency, amount in sorted(available.items())],
        "livemode": False,
        "pending": [_funds(currency, amount) for currency, amount in sorted(pending.items())],
    }


def _funds(currency: str, amount: int) -> Document:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
