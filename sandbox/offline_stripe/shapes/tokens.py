"""Tokens and the cards in them, with every key Stripe shows.

Values that follow from rules are passed in.
"""

from offline_stripe.documents import Document

BRAND_NAMES = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "visa": "Visa",
}
"""A token's card has the name of its brand, unlike a payment method's."""


def token(kind: str, details: Document, **fields: object) -> Document:
    return {
        "id": None,
        "object": "token",
        kind: details,
        "client_ip": "127.0.0.1",
        "created": None,
        "livemode": False,
        "type": kind,
        "used": False,
        **fields,
    }


def card(**fields: object) -> Document:
    return {
        "id": None,
        "object": "card",
        "address_city": None,
        "address_country": None,
        "address_line1": None,
        "address_line1_check": None,
        "address_line2": None,
        "address_state": None,
        "address_zip": None,
        "address_zip_check": None,
        "brand": None,
        "country": "US",
        "cvc_check": None,
        "dynamic_last4": None,
        "exp_month": None,
        "exp_year": None,
        "fingerprint": None,
        "funding": "credit",
        "last4": None,
        "metadata": {},
        "name": None,
        "networks": {"preferred": None},
        "regulated_status": "unregulated",
        "tokenization_method": None,
        **fields,
    }
