"""Refunds, credit notes and disputes are mirrored, and payments say how much they paid.

Revision: 5c1d7a90b3e2
Follows: 6a40c7d1e95b
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5c1d7a90b3e2"
down_revision = "6a40c7d1e95b"
branch_labels = None
depends_on = None

TIME = sa.TIMESTAMP(timezone=True)
PAYMENT: dict[str, Any] = {"status": sa.Text(), "amount_requested": sa.BigInteger(), "amount_paid": sa.BigInteger(),
           "created_at": TIME, "paid_at": TIME}  # fmt: skip


def mirrored() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("snapshot_since", TIME, nullable=False),
        sa.Column("snapshot_until", TIME, nullable=False),
        sa.Column("snapshot_digest", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("document", sa.Text()),
        sa.Column("document_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("later_digests", postgresql.ARRAY(sa.Text())),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
    ]


def create(table: str, *more: Any) -> None:
    """The table of what came back, with the indexes that all have."""
    op.create_table(
        table,
        *mirrored(),
        *more,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["invoice"], ["invoices.id"], op.f(f"fk_{table}_invoice_invoices"), ondelete="RESTRICT"
        ),
    )
    newest = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index(f"ix_{table}_undocumented", table, ["id"], postgresql_where=sa.text("document_version = 0"))
    op.create_index(f"ix_{table}_newest", table, newest)
    op.create_index(f"ix_{table}_invoice_newest", table, ["invoice", *newest])
    op.create_index(f"ix_{table}_customer_newest", table, ["customer", *newest])


def index_references(table: str) -> None:
    op.create_index(f"ix_{table}_reference", table, ["reference"], postgresql_where=sa.text("reference IS NOT NULL"))


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for name, kind in PAYMENT.items():
        op.add_column("invoice_payments", sa.Column(name, kind))
    create(
        "refunds",
        sa.Column("payment_intent", sa.Text()),
        sa.Column("charge", sa.Text()),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("pending_reason", sa.Text()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_refunds_amount_not_negative")),
    )
    unfinished = sa.text("status IN ('pending', 'requires_action')")
    op.create_index("ix_refunds_unfinished", "refunds", ["updated_at"], postgresql_where=unfinished)
    op.create_index("ix_refunds_failed", "refunds", ["updated_at"], postgresql_where=sa.text("status = 'failed'"))
    op.create_index("ix_refunds_payment_intent", "refunds", ["payment_intent"])
    index_references("refunds")
    create(
        "credit_notes",
        sa.Column("number", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text()),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("pre_payment_amount", sa.BigInteger(), nullable=False),
        sa.Column("post_payment_amount", sa.BigInteger(), nullable=False),
        sa.Column("refund_amount", sa.BigInteger(), nullable=False),
        sa.Column("credit_amount", sa.BigInteger(), nullable=False),
        sa.Column("out_of_band_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunds", postgresql.JSONB(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("pdf", sa.Text()),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.Column("effective_at", TIME),
        sa.Column("voided_at", TIME),
        sa.CheckConstraint(
            "pre_payment_amount >= 0 AND post_payment_amount >= 0", name=op.f("ck_credit_notes_amounts_not_negative")
        ),
    )
    index_references("credit_notes")
    create(
        "disputes",
        sa.Column("payment_intent", sa.Text()),
        sa.Column("charge", sa.Text()),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("is_charge_refundable", sa.Boolean(), nullable=False),
        sa.Column("evidence_due_at", TIME),
        sa.Column("has_evidence", sa.Boolean(), nullable=False),
        sa.Column("submission_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_disputes_amount_not_negative")),
    )
    newest = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index("ix_disputes_payment_intent", "disputes", ["payment_intent"])
    op.create_index("ix_disputes_status_newest", "disputes", ["status", *newest])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in ("disputes", "credit_notes", "refunds"):
        op.drop_table(table)
    for name in PAYMENT:
        op.drop_column("invoice_payments", name)
