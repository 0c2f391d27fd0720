"""Lists of all deliveries are read by index, and what is dead is counted by one: deliveries and fulfillment actions.

The index of all deliveries serves who deletes old ones, too; the smaller one that did goes.

Revision: 5e2b90c7d4a1
Follows: c4e81f7a2d09
"""

from alembic import op

revision = "5e2b90c7d4a1"
down_revision = "c4e81f7a2d09"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_deliveries_newest_of_all": "deliveries (created_at DESC, id DESC)",
    "ix_deliveries_dead": "deliveries (created_at DESC, id DESC) WHERE status = 'dead'",
    "ix_fulfillment_actions_dead": "fulfillment_actions (created_at DESC, id DESC) WHERE status = 'dead'",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        for name, index in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {index}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_deliveries_created")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("CREATE INDEX ix_deliveries_created ON deliveries USING brin (created_at)")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
