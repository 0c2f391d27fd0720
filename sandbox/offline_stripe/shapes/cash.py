"""The cash balance of a customer: money that came by bank transfer."""

from offline_stripe.documents import Document

_ADDRESS = {"city": "Sandbox", "country": "US", "line1": "1 Sandbox Street", "line2": None, "postal_code": "94105",
            "state": "CA"}  # fmt: skip
_BANK = "STRIPE TEST BANK"
TRANSFERS = {"eur": "eu_bank_transfer", "gbp": "gb_bank_transfer", "usd": "us_bank_transfer"}
"""The type of bank transfer of each currency that the sandbox has."""


def cash_balance(customer: Document, available: dict[str, int], *, automatic: bool, default: bool) -> Document:
    mode = "automatic" if automatic else "manual"
    return {
        "object": "cash_balance",
        "available": {currency: amount for currency, amount in available.items() if amount} or None,
        "customer": customer["id"],
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": mode, "using_merchant_default": default},
    }


def cash_transaction(**fields: object) -> Document:
    return {
        "id": None,
        "object": "customer_cash_balance_transaction",
        "created": None,
        "currency": None,
        "customer": None,
        "customer_account": None,
        "ending_balance": 0,
        "livemode": False,
        "net_amount": 0,
        "type": None,
        **fields,
    }


def funded(kind: str, reference: str | None) -> Document:
    senders: dict[str, Document] = {
        "eu_bank_transfer": {"bic": "SANDBOXXXXX", "iban_last4": "3000", "sender_name": "Sandbox Customer"},
        "gb_bank_transfer": {"account_number_last4": "3000", "sender_name": "Sandbox Customer", "sort_code": "108800"},
        "us_bank_transfer": {"network": "ach", "sender_name": "Sandbox Customer"},
    }
    return {"bank_transfer": {kind: senders[kind], "reference": reference, "type": kind}}


def financial_addresses(kind: str, number: str) -> list[Document]:
    """Where the customer sends the money; `number` is of digits, and the customer's own."""
    holder = {"account_holder_address": _ADDRESS, "account_holder_name": "Sandbox Ltd", "bank_address": _ADDRESS}
    if kind == "us_bank_transfer":
        account = {"account_number": number, "account_type": "checking", "bank_name": _BANK}
        aba = {**holder, **account, "routing_number": "110000000"}
        return [{"aba": aba, "supported_networks": ["ach", "domestic_wire_us"], "type": "aba"}]
    if kind == "gb_bank_transfer":
        sort_code = {**holder, "account_number": number[:8], "sort_code": "108800"}
        return [{"sort_code": sort_code, "supported_networks": ["bacs", "fps"], "type": "sort_code"}]
    iban = {**holder, "bic": "SANDBOXXXXX", "country": "DE", "iban": f"DE00{number}"}
    return [{"iban": iban, "supported_networks": ["sepa"], "type": "iban"}]


def instructions(kind: str, number: str, *, remaining: int, currency: str, reference: str) -> Document:
    """`next_action` of a PaymentIntent that waits for a bank transfer."""
    details = {
        "amount_remaining": remaining,
        "currency": currency,
        "financial_addresses": financial_addresses(kind, number),
        "hosted_instructions_url": None,
        "reference": reference,
        "type": kind,
    }
    return {"display_bank_transfer_instructions": details, "type": "display_bank_transfer_instructions"}
