"""How long a text may be, by Stripe's OpenAPI document. `test_specification.py` holds these tables against it."""

from offline_stripe.wire.errors import invalid_request

LONGEST = 5000
_EVERYWHERE = {
    "custom_fields.name": 40, "custom_fields.value": 140, "lookup_key": 200, "product_data.description": 40_000,
    "shipping_rate_data.display_name": 100, "statement_descriptor": 22, "statement_descriptor_suffix": 22,
    "tax_rate_data.display_name": 100, "tax_rate_data.jurisdiction": 200, "unit_label": 12,
}  # fmt: skip
"""By the parameter's name, or its last two."""
_EVIDENCE = ("access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal",
             "duplicate_charge_explanation", "product_description", "refund_policy_disclosure",
             "refund_refusal_explanation", "uncategorized_text")  # fmt: skip
_CUSTOMER = {
    "business_name": 150,
    "default_source": 500,
    "email": 512,
    "individual_name": 150,
    "name": 256,
    "phone": 20,
}
_OF = {
    "charges": {"description": 40_000},
    "coupons": {"name": 40},
    "customers": _CUSTOMER,
    "customers/balance_transactions": {"description": 350},
    "disputes": {f"evidence.{name}": 20_000 for name in _EVIDENCE},
    "invoices": {"description": 1500, "number": 26},
    "payment_intents": {"description": 1000},
    "products": {"description": 40_000},
    "promotion_codes": {"code": 500},
    "setup_intents": {"description": 1000},
    "shipping_rates": {"display_name": 100},
    "tax_rates": {"display_name": 50, "jurisdiction": 50},
    "test_helpers/test_clocks": {"name": 300},
}
"""By the words of the operation's path, and there by the parameter's whole name."""


def longest(path: str, names: tuple[str, ...]) -> int:
    """How long a parameter may be: `names` lead to it, without the places in lists."""
    own = _OF.get("/".join(part for part in path.split("/")[2:] if part[0] != "{"), {})
    tail = _EVERYWHERE.get(".".join(names[-2:]), _EVERYWHERE.get(names[-1], LONGEST))
    return own.get(".".join(names), tail)


def require_short(path: str, sent: object, param: str = "", names: tuple[str, ...] = ()) -> None:
    """Refuse a text that is too long. Metadata has limits of its own."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            if not name.endswith("metadata"):
                require_short(path, value, f"{param}[{name}]" if param else name, (*names, name))
    elif isinstance(sent, list):
        for index, value in enumerate(sent):
            require_short(path, value, f"{param}[{index}]", names)
    elif isinstance(sent, str) and len(sent) > (most := longest(path, names)):
        shown = f"{sent[:20]}...{sent[-4:]}"
        raise invalid_request(f"Invalid string: {shown}; must be at most {most} characters", param=param)
