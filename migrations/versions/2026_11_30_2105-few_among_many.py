"""The reference that a refused create claimed, and the links whose part is begun, are found by an index.

Each is made beside the writes (CONCURRENTLY), and holds few rows.

Revision: 8e04b6d1f25a
Follows: b41d7e60c2f9
"""

from alembic import op

revision = "8e04b6d1f25a"
down_revision = "b41d7e60c2f9"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_reference_claims_operation": "reference_claims (operation) WHERE object_id IS NULL",
    "ix_payment_links_payment_intent": "payment_links (payment_intent) WHERE payment_intent IS NOT NULL",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
