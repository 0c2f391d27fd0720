"""Deliveries that need not wait for others are found without those that do.

Where an ordered endpoint had a thousand waiting, every claim read all of them to find that none of them was free.

Revision: b7d1c94e2f60
Follows: 6a2f9c4e8b15
"""

from alembic import op

revision = "b7d1c94e2f60"
down_revision = "6a2f9c4e8b15"
branch_labels = None
depends_on = None

WAITING = "status IN ('pending', 'delivering', 'failed')"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_deliveries_free")
        op.execute("SET lock_timeout = '3s'")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_deliveries_free ON deliveries (endpoint, next_attempt_at) "
            f"WHERE NOT in_order AND {WAITING}"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_deliveries_due")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(f"CREATE INDEX ix_deliveries_due ON deliveries (endpoint, next_attempt_at) WHERE {WAITING}")
    op.execute("DROP INDEX ix_deliveries_free")
