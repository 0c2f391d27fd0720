"""fulfillment actions: what is done when a fulfillment gets somewhere

Revision: 3f0e6b8d2c71
Follows: 9d60b3e41c77
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3f0e6b8d2c71"
down_revision = "9d60b3e41c77"
branch_labels = None
depends_on = None

TIME = postgresql.TIMESTAMP(timezone=True)
NOW = sa.text("now()")
TABLE = "fulfillment_actions"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "configured_actions",
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("since", TIME, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("action", name=op.f("pk_configured_actions")),
    )
    op.create_table(
        TABLE,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fulfillment", sa.Text(), nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("moment", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lost", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", TIME, server_default=NOW, nullable=True),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.CheckConstraint("moment IN ('processing', 'fulfilled')", name=op.f("ck_fulfillment_actions_moment")),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'failed', 'done', 'skipped', 'dead')",
            name=op.f("ck_fulfillment_actions_status"),
        ),
        sa.CheckConstraint("attempts >= 0 AND lost >= 0", name=op.f("ck_fulfillment_actions_attempts_not_negative")),
        sa.CheckConstraint(
            "(status IN ('pending', 'failed', 'running')) = (next_attempt_at IS NOT NULL)",
            name=op.f("ck_fulfillment_actions_due_has_time"),
        ),
        sa.CheckConstraint(
            "(status IN ('done', 'skipped', 'dead')) = (finished_at IS NOT NULL)",
            name=op.f("ck_fulfillment_actions_ended_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["fulfillment"],
            ["fulfillments.id"],
            name=op.f("fk_fulfillment_actions_fulfillment_fulfillments"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfillment_actions")),
    )
    op.create_index("uq_fulfillment_actions_once", TABLE, ["fulfillment", "action", "moment"], unique=True)
    waiting, running = sa.text("status IN ('pending', 'failed')"), sa.text("status = 'running'")
    op.create_index("ix_fulfillment_actions_due", TABLE, ["action", "next_attempt_at"], postgresql_where=waiting)
    op.create_index("ix_fulfillment_actions_leased", TABLE, ["action", "next_attempt_at"], postgresql_where=running)
    op.create_index("ix_fulfillment_actions_newest", TABLE, [sa.text("created_at DESC"), sa.text("id DESC")])
    op.create_index("ix_fulfillment_actions_invoice", TABLE, ["invoice"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table(TABLE)
    op.drop_table("configured_actions")
