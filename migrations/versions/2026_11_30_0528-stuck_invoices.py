"""What a person must do about an invoice, and since when. A task finds it for the rows that are there.

Revision: 2c9e7a46f0d1
Follows: 7d2e90b4c1f6
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2c9e7a46f0d1"
down_revision = "7d2e90b4c1f6"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_invoices_stuck": "(stuck_since, id) WHERE stuck_since IS NOT NULL",
    "ix_invoices_without_next_step": "(id) WHERE next_step IS NULL AND status IN ('draft', 'open')",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    to_answer = sa.Column("disputes_to_answer", sa.Integer(), server_default=sa.text("0"), nullable=False)
    op.add_column("invoices", sa.Column("next_step", sa.Text(), nullable=True), if_not_exists=True)
    op.add_column("invoices", sa.Column("stuck_since", postgresql.TIMESTAMP(timezone=True)), if_not_exists=True)
    op.add_column("fulfillments", to_answer, if_not_exists=True)
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON invoices {definition}")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for name in INDEXES:
        op.drop_index(name, "invoices")
    op.drop_column("fulfillments", "disputes_to_answer")
    op.drop_column("invoices", "stuck_since")
    op.drop_column("invoices", "next_step")
