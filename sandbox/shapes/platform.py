"""The account and its webhook endpoints, with every key Stripe shows.

Owns shapes only. Values that follow from rules are passed in.
"""

from sandbox.documents import Document


def webhook_endpoint(**fields: object) -> Document:
    return {
        "id": None,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": None,
        "description": None,
        "enabled_events": ["*"],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": None,
        **fields,
    }


def account(**fields: object) -> Document:
    return {
        "id": None,
        "object": "account",
        "business_profile": {
            "name": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "us_bank_account_ach_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": None,
        "created": None,
        "default_currency": None,
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": None, "timezone": "Etc/UTC"}},
        "type": "standard",
        **fields,
    }
