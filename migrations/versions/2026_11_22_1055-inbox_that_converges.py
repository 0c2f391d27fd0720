"""inbox that converges: revisions, words of attempts, tombstones, changes, coverage

Revision: 5b1d7c20a4e9
Follows: a298440fb4d2
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5b1d7c20a4e9"
down_revision = "a298440fb4d2"
branch_labels = None
depends_on = None

MIRRORED = ("products", "prices", "customers", "invoices")
TIME = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in MIRRORED:
        op.add_column(table, sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("fulfillments", sa.Column("failure_at", TIME, nullable=True))
    op.add_column("fulfillments", sa.Column("attempt", sa.Text(), nullable=True))
    op.execute(
        "UPDATE fulfillments SET attempt = CASE WHEN status IN ('processing', 'payment_failed') THEN status ELSE "
        "'payment_failed' END WHERE attempt_at IS NOT NULL"
    )
    op.execute("UPDATE fulfillments SET failure_at = attempt_at WHERE failure_code IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_fulfillments_attempt_has_time"), "fulfillments", "(attempt IS NULL) = (attempt_at IS NULL)"
    )
    op.add_column("webhook_events", sa.Column("signature", sa.Text(), nullable=True))
    op.drop_index("ix_webhook_events_due", "webhook_events")
    waiting, leased = sa.text("status IN ('received', 'failed')"), sa.text("status = 'processing'")
    op.create_index("ix_webhook_events_due", "webhook_events", ["next_attempt_at"], postgresql_where=waiting)
    op.create_index("ix_webhook_events_leased", "webhook_events", ["next_attempt_at"], postgresql_where=leased)
    op.create_table(
        "tombstones",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("deleted_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombstones")),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=True),
        sa.Column("became", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.CheckConstraint("subject IN ('invoice', 'fulfillment')", name=op.f("ck_changes_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index("ix_changes_invoice", "changes", ["invoice", "id"])
    op.create_table(
        "coverage",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("complete_until", TIME, nullable=False),
        sa.Column("compared", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("missed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("repaired", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_coverage")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("coverage")
    op.drop_table("changes")
    op.drop_table("tombstones")
    op.drop_index("ix_webhook_events_leased", "webhook_events")
    op.drop_index("ix_webhook_events_due", "webhook_events")
    due = sa.text("status IN ('received', 'processing', 'failed')")
    op.create_index("ix_webhook_events_due", "webhook_events", ["next_attempt_at"], postgresql_where=due)
    op.drop_column("webhook_events", "signature")
    op.drop_constraint(op.f("ck_fulfillments_attempt_has_time"), "fulfillments")
    op.drop_column("fulfillments", "attempt")
    op.drop_column("fulfillments", "failure_at")
    for table in MIRRORED:
        op.drop_column(table, "revision")
