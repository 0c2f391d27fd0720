"""Saved payment methods are mirrored, and what became of SetupIntents is kept.

Revision: 8c4be1f7d203
Follows: 1f6b0c94d2a7
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "8c4be1f7d203"
down_revision = "1f6b0c94d2a7"
branch_labels = None
depends_on = None

TIME = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "payment_methods",
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
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text()),
        sa.Column("last4", sa.Text()),
        sa.Column("exp_month", sa.Integer()),
        sa.Column("exp_year", sa.Integer()),
        sa.Column("mandate", sa.Text()),
        sa.Column("mandate_status", sa.Text()),
        sa.Column("mandate_at", TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_methods")),
    )
    newest = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index(
        "ix_payment_methods_undocumented", "payment_methods", ["id"], postgresql_where=sa.text("document_version = 0")
    )
    op.create_index("ix_payment_methods_customer_newest", "payment_methods", ["customer", *newest])
    op.create_index(
        "ix_payment_methods_mandate", "payment_methods", ["mandate"], postgresql_where=sa.text("mandate IS NOT NULL")
    )
    op.create_table(
        "setup_intents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text()),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_decline_code", sa.Text()),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_intents")),
    )
    op.create_index("ix_setup_intents_customer", "setup_intents", ["customer"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("setup_intents")
    op.drop_table("payment_methods")
