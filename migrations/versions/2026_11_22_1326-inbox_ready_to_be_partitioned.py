"""the inbox is ready to be partitioned: a key that holds the partition key, a bound that is known to be kept

Nothing here blocks: the indexes are built concurrently, the check is validated while the table is used. Run again
after a failure, each step begins anew.

Revision: 8c5f2d7a11e0
Follows: 8d2e4b7f9a31
"""

from alembic import op

revision = "8c5f2d7a11e0"
down_revision = "8d2e4b7f9a31"
branch_labels = None
depends_on = None

INDEXES = {
    "uq_webhook_events_id_created": "UNIQUE INDEX CONCURRENTLY {} ON webhook_events (id, created_at)",
    "ix_webhook_events_dead": "INDEX CONCURRENTLY {} ON webhook_events (received_at) WHERE status = 'dead'",
}

# The table as it is becomes the partition of everything before the month after next, or after the youngest event.
BOUND = """
DO $$ DECLARE
    last timestamptz := greatest(now() + interval '2 days', (SELECT max(created_at) FROM webhook_events));
BEGIN
    EXECUTE format(
        'ALTER TABLE webhook_events ADD CONSTRAINT ck_webhook_events_before CHECK (created_at < %L) NOT VALID',
        (date_trunc('month', last AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
    );
END $$
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, index in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE {index.format(name)}")
        op.execute("SET lock_timeout = '3s'")
        op.execute("ALTER TABLE webhook_events DROP CONSTRAINT IF EXISTS ck_webhook_events_before")
        op.execute(BOUND)
        op.execute("ALTER TABLE webhook_events VALIDATE CONSTRAINT ck_webhook_events_before")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE webhook_events DROP CONSTRAINT IF EXISTS ck_webhook_events_before")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
