"""The tables that mirror tax rates, tax ids, coupons and promotion codes, and which coupon a discount comes of."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, desc, text

from app.db.schema.metadata import JSON, TIME, metadata
from app.db.schema.mirrors import mirrored, undocumented

tax_rates = Table(
    "tax_rates",
    metadata,
    *mirrored(),
    Column("display_name", Text, nullable=False),
    Column("percentage", Text, nullable=False),
    Column("inclusive", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("country", Text),
    Column("state", Text),
    Column("jurisdiction", Text),
    Column("tax_type", Text),
    Column("description", Text),
    Column("metadata", JSON, nullable=False),
    Column("reference", Text),
    undocumented("tax_rates"),
    Index("ix_tax_rates_newest", desc("created_at"), desc("id")),
    Index("ix_tax_rates_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
)

tax_ids = Table(
    "tax_ids",
    metadata,
    *mirrored(),
    Column("customer", Text),
    Column("type", Text, nullable=False),
    Column("value", Text),
    Column("country", Text),
    Column("verification", JSON),
    undocumented("tax_ids"),
    Index("ix_tax_ids_newest", desc("created_at"), desc("id")),
    Index("ix_tax_ids_customer_newest", "customer", desc("created_at"), desc("id")),
)
"""Tax ids of customers, and of the account itself where `customer` is null."""

coupons = Table(
    "coupons",
    metadata,
    *mirrored(),
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
    Column("metadata", JSON, nullable=False),
    Column("reference", Text),
    undocumented("coupons"),
    Index("ix_coupons_newest", desc("created_at"), desc("id")),
    Index("ix_coupons_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
)

promotion_codes = Table(
    "promotion_codes",
    metadata,
    *mirrored(),
    Column("code", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("coupon", Text),
    Column("active", Boolean, nullable=False),
    Column("customer", Text),
    Column("expires_at", TIME),
    Column("max_redemptions", BigInteger),
    Column("times_redeemed", BigInteger, nullable=False),
    Column("restrictions", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("reference", Text),
    undocumented("promotion_codes"),
    Index("ix_promotion_codes_newest", desc("created_at"), desc("id")),
    Index("ix_promotion_codes_coupon_newest", "coupon", desc("created_at"), desc("id")),
    Index("ix_promotion_codes_code", "code"),
    Index("ix_promotion_codes_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
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
