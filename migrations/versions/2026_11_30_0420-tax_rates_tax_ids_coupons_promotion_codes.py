"""Tax rates, tax ids, coupons and promotion codes are mirrored, and discounts say which coupon they come of.

Revision: 3f8a51c0d27e
Follows: 8c4be1f7d203
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3f8a51c0d27e"
down_revision = "8c4be1f7d203"
branch_labels = None
depends_on = None

TIME = sa.TIMESTAMP(timezone=True)


def text(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text()) for name in names]


def required(*names: str, kind: type[Any] = sa.Text) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind(), nullable=False) for name in names]


def create(table: str, *columns: list[sa.Column[Any]]) -> None:
    """A table of mirrored objects, with the columns and indexes that all have."""
    op.create_table(
        table,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("snapshot_since", TIME, nullable=False),
        sa.Column("snapshot_until", TIME, nullable=False),
        sa.Column("snapshot_digest", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("document", sa.Text()),
        sa.Column("document_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("later_digests", postgresql.ARRAY(sa.Text())),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(), nullable=False),
        *(column for some in columns for column in some),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_undocumented", table, ["id"], postgresql_where=sa.text("document_version = 0"))
    op.create_index(f"ix_{table}_newest", table, [sa.text("created_at DESC"), sa.text("id DESC")])


def described() -> list[sa.Column[Any]]:
    """The columns of what the merchant describes: metadata, and the reference among it."""
    return [sa.Column("metadata", postgresql.JSONB(), nullable=False), *text("reference")]


def index_newest(table: str, column: str) -> None:
    order: list[Any] = [column, sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index(f"ix_{table}_{column}_newest", table, order)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    create(
        "tax_rates",
        required("display_name", "percentage"),
        required("inclusive", "active", kind=sa.Boolean),
        text("country", "state", "jurisdiction", "tax_type", "description"),
        described(),
    )
    create(
        "tax_ids",
        text("customer"),
        required("type"),
        text("value", "country"),
        [sa.Column("verification", postgresql.JSONB())],
    )
    index_newest("tax_ids", "customer")
    create(
        "coupons",
        text("name"),
        [sa.Column("amount_off", sa.BigInteger())],
        text("currency", "percent_off"),
        required("duration"),
        [sa.Column("duration_in_months", sa.BigInteger()), sa.Column("max_redemptions", sa.BigInteger())],
        required("times_redeemed", kind=sa.BigInteger),
        [sa.Column("redeem_by", TIME)],
        required("valid", kind=sa.Boolean),
        described(),
    )
    create(
        "promotion_codes",
        required("code", "type"),
        text("coupon"),
        required("active", kind=sa.Boolean),
        text("customer"),
        [sa.Column("expires_at", TIME), sa.Column("max_redemptions", sa.BigInteger())],
        required("times_redeemed", kind=sa.BigInteger),
        required("restrictions", kind=postgresql.JSONB),
        described(),
    )
    index_newest("promotion_codes", "coupon")
    op.create_index("ix_promotion_codes_code", "promotion_codes", ["code"])
    for table in ("tax_rates", "coupons", "promotion_codes"):
        named = sa.text("reference IS NOT NULL")
        op.create_index(f"ix_{table}_reference", table, ["reference"], postgresql_where=named)
    op.create_table(
        "invoice_discounts",
        sa.Column("id", sa.Text(), nullable=False),
        *required("invoice"),
        *text("coupon", "promotion_code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_discounts")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in ("invoice_discounts", "promotion_codes", "coupons", "tax_ids", "tax_rates"):
        op.drop_table(table)
