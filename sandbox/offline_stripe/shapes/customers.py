"""Customers, their balance, and their payment methods, with every key Stripe shows.

Values that follow from rules are passed in.
"""

from offline_stripe.documents import Document


def address(sent: Document | None) -> Document | None:
    """An address always shows its six lines."""
    if not sent:
        return None
    return {line: sent.get(line) or None for line in ("city", "country", "line1", "line2", "postal_code", "state")}


def shipping(sent: Document | None) -> Document | None:
    if not sent:
        return None
    return {
        "address": address(sent.get("address")),
        "carrier": sent.get("carrier") or None,
        "name": sent.get("name") or None,
        "phone": sent.get("phone") or None,
        "tracking_number": sent.get("tracking_number") or None,
    }


def customer(**fields: object) -> Document:
    return {
        "id": None,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": None,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": None,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        **fields,
    }


def balance_transaction(**fields: object) -> Document:
    """An entry of the customer's balance."""
    return {
        "id": None,
        "object": "customer_balance_transaction",
        "amount": None,
        "checkout_session": None,
        "created": None,
        "credit_note": None,
        "currency": None,
        "customer": None,
        "customer_account": None,
        "description": None,
        "ending_balance": None,
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "type": "adjustment",
        **fields,
    }


def payment_method(kind: str, details: Document, **fields: object) -> Document:
    return {
        "id": None,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(None),
        kind: details,
        "created": None,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "radar_options": {},
        "type": kind,
        **fields,
    }


def billing_details(sent: Document | None) -> Document:
    sent = sent or {}
    return {
        "address": address(sent.get("address"))
        or dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
        "email": sent.get("email") or None,
        "name": sent.get("name") or None,
        "phone": sent.get("phone") or None,
        "tax_id": sent.get("tax_id") or None,
    }


def card(
    *, brand: str, last4: str, fingerprint: str, exp_month: int, exp_year: int, funding: str, country: str
) -> Document:
    return {
        "brand": brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": country,
        "display_brand": brand,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": fingerprint,
        "funding": funding,
        "generated_from": None,
        "last4": last4,
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def sepa_debit(*, iban: str, fingerprint: str) -> Document:
    return {
        "bank_code": iban[4:12],
        "branch_code": "",
        "country": iban[:2],
        "fingerprint": fingerprint,
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": iban[-4:],
    }


def us_bank_account(*, last4: str, fingerprint: str, routing_number: str = "110000000") -> Document:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": fingerprint,
        "last4": last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": routing_number,
        "status_details": {},
    }
