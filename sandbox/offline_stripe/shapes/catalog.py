"""Products, prices, tax rates, coupons and discounts, with every key Stripe shows.

Values that follow from rules are passed in.
"""

from offline_stripe.documents import Document


def product(**fields: object) -> Document:
    return {
        "id": None,
        "object": "product",
        "active": True,
        "created": None,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": None,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "tax_details": None,
        "type": "service",
        "unit_label": None,
        "updated": None,
        "url": None,
        **fields,
    }


def price(**fields: object) -> Document:
    return {
        "id": None,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": None,
        "currency": None,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": None,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": None,
        "unit_amount_decimal": None,
        **fields,
    }


def tax_rate(**fields: object) -> Document:
    return {
        "id": None,
        "object": "tax_rate",
        "active": True,
        "country": None,
        "created": None,
        "description": None,
        "display_name": None,
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": False,
        "jurisdiction": None,
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": {},
        "percentage": None,
        "rate_type": "percentage",
        "state": None,
        "tax_type": None,
        **fields,
    }


def coupon(**fields: object) -> Document:
    return {
        "id": None,
        "object": "coupon",
        "amount_off": None,
        "created": None,
        "currency": None,
        "duration": "once",
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": None,
        "percent_off": None,
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
        **fields,
    }


def discount(**fields: object) -> Document:
    return {
        "id": None,
        "object": "discount",
        "checkout_session": None,
        "customer": None,
        "customer_account": None,
        "end": None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": None,
        "start": None,
        "subscription": None,
        "subscription_item": None,
        **fields,
    }
