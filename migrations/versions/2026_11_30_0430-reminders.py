"""Reminders: what was told of an invoice's due date, once each.

Revision: 7d20e5b1c846
Follows: 3f8a51c0d27e
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "7d20e5b1c846"
down_revision = "3f8a51c0d27e"
branch_labels = None
depends_on = None

TIME = postgresql.TIMESTAMP(timezone=True)
MOMENTS = (
    "split_part(moment, ':', 1) IN ('processing', 'fulfilled', 'action_required', 'disputed', 'partly_reversed', "
    "'reversed', 'reinstated'{more})"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "reminders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "(type = 'invoice.reminded') = (channel IS NOT NULL)", name=op.f("ck_reminders_reminder_has_channel")
        ),
        sa.ForeignKeyConstraint(
            ["invoice"], ["invoices.id"], name=op.f("fk_reminders_invoice_invoices"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        if_not_exists=True,
    )
    newest = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index("uq_reminders_once", "reminders", ["invoice", "type", "day"], unique=True, if_not_exists=True)
    op.create_index("ix_reminders_newest", "reminders", newest, if_not_exists=True)
    op.add_column("invoices", sa.Column("reminded_until", TIME, nullable=True), if_not_exists=True)
    _check_moments(", 'reminder'")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        op.execute("ALTER TABLE fulfillment_actions VALIDATE CONSTRAINT ck_fulfillment_actions_moment")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("reminders")
    op.drop_column("invoices", "reminded_until")
    op.execute("DELETE FROM fulfillment_actions WHERE split_part(moment, ':', 1) = 'reminder'")
    _check_moments("")


def _check_moments(more: str) -> None:
    name, table = op.f("ck_fulfillment_actions_moment"), "fulfillment_actions"
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, MOMENTS.format(more=more), postgresql_not_valid=True)
