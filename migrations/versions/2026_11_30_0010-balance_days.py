"""The balance report: the money of each day, and where our rows differ from Stripe's balance.

Revision: 1f6b0c94d2a7
Follows: 5c1d7a90b3e2
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "1f6b0c94d2a7"
down_revision = "5c1d7a90b3e2"
branch_labels = None
depends_on = None

AMOUNTS = ("paid", "refunded", "disputed", "credited", "fees")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "balance_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in AMOUNTS),
        sa.Column("differences", postgresql.JSONB(), nullable=False),
        sa.Column("checked_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("day", "currency", name=op.f("pk_balance_days")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("balance_days")
