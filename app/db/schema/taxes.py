"""The tables that mirror tax rates, tax ids, coupons and promotion codes, and which coupon a discount comes of."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text

from app.db.schema.metadata import JSON, TIME, metadata
from app.db.schema.mirrors import mirrored

tax_rates = mirrored(
    "tax_rates",
    Column("display_name", Text, nullable=False),
    Column("percentage", Text, nullable=False),
    Column("inclusive", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("country", Text),
    Column("state", Text),
    Column("jurisdiction", Text),
    Column("tax_type", Text),
    Column("description", Text),
)

tax_ids = mirrored(
    "tax_ids",
    Column("customer", Text),
    Column("type", Text, nullable=False),
    Column("value", Text),
    Column("country", Text),
    Column("verification", JSON),
    referenced=False,
    lists=((), ("customer",)),
)
"""Tax ids of customers, and of the account itself where `customer` is null."""

coupons = mirrored(
    "coupons",
    Column("name", Text),
    Column("amount_off", BigInteger),
    Column("currency", Text),
    Column("percent_off", Text),
    Column("duration", Text, nullable=False),
    Column("duration_in_months", BigInteger),
    Column("max_redemptions", BigInteger),
    Column("times_redeemed", BigInteger, nullable=False),
    Column("redeem_by", TIME),
    Column("valid", Boolean, nullable=False),
)

promotion_codes = mirrored(
    "promotion_codes",
    Column("code", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("coupon", Text),
    Column("active", Boolean, nullable=False),
    Column("customer", Text),
    Column("expires_at", TIME),
    Column("max_redemptions", BigInteger),
    Column("times_redeemed", BigInteger, nullable=False),
    Column("restrictions", JSON, nullable=False),
    Index("ix_promotion_codes_code", "code"),
    lists=((), ("coupon",)),
)

invoice_discounts = Table(
    "invoice_discounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("invoice", Text, nullable=False),
    Column("coupon", Text),
    Column("promotion_code", Text),
)
"""Which coupon and promotion code each discount of an invoice comes of. An invoice names its discounts by their ids alone."""
