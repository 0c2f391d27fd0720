"""Endpoints of others that hear of events, and every delivery to them.

Revision: 0ffcf7cc5aca
Follows: 3f0e6b8d2c71
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0ffcf7cc5aca"
down_revision = "3f0e6b8d2c71"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("ordered", sa.Boolean(), nullable=False),
        sa.Column("secrets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'enabled'"), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("disabled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("failing_since", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'disabled') = (disabled_reason IS NOT NULL) AND (status = 'disabled') = (disabled_at IS NOT NULL)",
            name=op.f("ck_webhook_endpoints_disabled_has_reason"),
        ),
        sa.CheckConstraint(
            "disabled_reason IN ('caller', 'gone', 'failing')", name=op.f("ck_webhook_endpoints_disabled_reason")
        ),
        sa.CheckConstraint("status IN ('enabled', 'disabled')", name=op.f("ck_webhook_endpoints_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(
        "ix_webhook_endpoints_newest",
        "webhook_endpoints",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "deliveries",
        sa.Column(
            "id",
            sa.Text(),
            server_default=sa.text("'dlv_' || replace(gen_random_uuid()::text, '-', '')"),
            nullable=False,
        ),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=True),
        sa.Column("invoice", sa.Text(), nullable=True),
        sa.Column("in_order", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_attempt_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=True
        ),
        sa.Column(
            "log", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status IN ('pending', 'delivering', 'failed')) = (next_attempt_at IS NOT NULL)",
            name=op.f("ck_deliveries_waiting_has_time"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'delivering', 'delivered', 'failed', 'dead', 'canceled')",
            name=op.f("ck_deliveries_status"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint"],
            ["webhook_endpoints.id"],
            name=op.f("fk_deliveries_endpoint_webhook_endpoints"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_created", "deliveries", ["created_at"], unique=False, postgresql_using="brin")
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["endpoint", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'delivering', 'failed')"),
    )
    op.create_index(
        "ix_deliveries_head",
        "deliveries",
        ["endpoint", "position", "change"],
        unique=False,
        postgresql_where=sa.text("in_order AND status IN ('pending', 'delivering', 'failed')"),
    )
    op.create_index(
        "ix_deliveries_invoice",
        "deliveries",
        ["invoice"],
        unique=False,
        postgresql_where=sa.text("invoice IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_newest",
        "deliveries",
        ["endpoint", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("uq_deliveries_endpoint_event", "deliveries", ["endpoint", "event"], unique=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_index("uq_deliveries_endpoint_event", table_name="deliveries")
    op.drop_index("ix_deliveries_newest", table_name="deliveries")
    op.drop_index("ix_deliveries_invoice", table_name="deliveries", postgresql_where=sa.text("invoice IS NOT NULL"))
    op.drop_index(
        "ix_deliveries_head",
        table_name="deliveries",
        postgresql_where=sa.text("in_order AND status IN ('pending', 'delivering', 'failed')"),
    )
    op.drop_index(
        "ix_deliveries_due",
        table_name="deliveries",
        postgresql_where=sa.text("status IN ('pending', 'delivering', 'failed')"),
    )
    op.drop_index("ix_deliveries_created", table_name="deliveries", postgresql_using="brin")
    op.drop_table("deliveries")
    op.drop_index("ix_webhook_endpoints_newest", table_name="webhook_endpoints")
    op.drop_table("webhook_endpoints")
