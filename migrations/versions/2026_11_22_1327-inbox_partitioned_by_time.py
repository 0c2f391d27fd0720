"""the inbox is partitioned by when Stripe made its events

The table as it is becomes the first partition: nothing is copied or read, and the names are the same before and after
the one transaction. Its key gains the partition key. Code that names `ON CONFLICT (id)` must be gone before.

Revision: 9d60b3e41c77
Follows: 8c5f2d7a11e0
"""

from alembic import op

revision = "9d60b3e41c77"
down_revision = "8c5f2d7a11e0"
branch_labels = None
depends_on = None

CONTRACT = "the name is back within the same transaction; no code names ON CONFLICT (id) any more"

SAME = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION"
INDEXES = {
    "due": "(next_attempt_at) WHERE status IN ('received', 'failed')",
    "leased": "(next_attempt_at) WHERE status = 'processing'",
    "dead": "(received_at) WHERE status = 'dead'",
    "newest": "(received_at DESC, id DESC)",
    "object": "(object_id, created_at)",
}

# What there is becomes the partition up to the bound that is validated; where there is nothing, it goes.
PARTITIONS = """
DO $$ DECLARE
    start timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC' - interval '31 days')) AT TIME ZONE 'UTC';
    stop timestamptz;
BEGIN
    IF EXISTS (SELECT FROM webhook_events_before) THEN
        start := (regexp_match(
            pg_get_constraintdef((SELECT oid FROM pg_constraint WHERE conname = 'ck_webhook_events_before')), '''(.+?)'''
        ))[1];
        EXECUTE format(
            'ALTER TABLE webhook_events ATTACH PARTITION webhook_events_before FOR VALUES FROM (MINVALUE) TO (%L)', start
        );
        ALTER TABLE webhook_events_before DROP CONSTRAINT ck_webhook_events_before;
    ELSE
        DROP TABLE webhook_events_before;
    END IF;
    WHILE start < now() + interval '1 month' LOOP
        stop := (start AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF webhook_events FOR VALUES FROM (%L) TO (%L)',
            'webhook_events_' || to_char(start AT TIME ZONE 'UTC', 'YYYYMMDD'), start, stop
        );
        start := stop;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    op.execute("ALTER TABLE webhook_events RENAME TO webhook_events_before")
    op.execute("ALTER TABLE webhook_events_before DROP CONSTRAINT pk_webhook_events")
    op.execute(
        "ALTER TABLE webhook_events_before "
        "ADD CONSTRAINT pk_webhook_events_before PRIMARY KEY USING INDEX uq_webhook_events_id_created"
    )
    for name in INDEXES:
        op.execute(f"ALTER INDEX ix_webhook_events_{name} RENAME TO ix_webhook_events_before_{name}")
    op.execute(f"CREATE TABLE webhook_events (LIKE webhook_events_before {SAME}) PARTITION BY RANGE (created_at)")
    op.execute("ALTER TABLE webhook_events DROP CONSTRAINT ck_webhook_events_before")
    op.execute("ALTER TABLE webhook_events ADD CONSTRAINT pk_webhook_events PRIMARY KEY (id, created_at)")
    for name, index in INDEXES.items():
        op.execute(f"CREATE INDEX ix_webhook_events_{name} ON webhook_events {index}")
    op.execute("CREATE TABLE webhook_events_default PARTITION OF webhook_events DEFAULT")
    op.execute(PARTITIONS)


def downgrade() -> None:
    """Copies every event: for a developer's database."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("LOCK TABLE webhook_events IN ACCESS EXCLUSIVE MODE")
    op.execute("ALTER TABLE webhook_events RENAME TO webhook_events_partitioned")
    op.execute(f"CREATE TABLE webhook_events (LIKE webhook_events_partitioned {SAME})")
    op.execute("INSERT INTO webhook_events SELECT * FROM webhook_events_partitioned")
    op.execute("DROP TABLE webhook_events_partitioned")
    op.execute("ALTER TABLE webhook_events ADD CONSTRAINT pk_webhook_events PRIMARY KEY (id)")
    op.execute("CREATE UNIQUE INDEX uq_webhook_events_id_created ON webhook_events (id, created_at)")
    for name, index in INDEXES.items():
        op.execute(f"CREATE INDEX ix_webhook_events_{name} ON webhook_events {index}")
