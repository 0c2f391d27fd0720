"""event feed: changes get a public id, a type, a customer and a position that orders them for readers

Revision: 3c9e5a7f1d20
Follows: 7c41d09e53b8
"""

import sqlalchemy as sa
from alembic import op

revision = "3c9e5a7f1d20"
down_revision = "7c41d09e53b8"
branch_labels = None
depends_on = None

# What was written before there was a feed lacks what an event says: position 0 lies before the feed's beginning.
OLD = """
UPDATE changes SET event = 'iev_' || replace(gen_random_uuid()::text, '-', ''), type = subject || '.' || became,
    schema_version = 0, position = 0
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "feed",
        sa.Column("id", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("base", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("id", name=op.f("ck_feed_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
    )
    op.execute("INSERT INTO feed DEFAULT VALUES")
    op.add_column("changes", sa.Column("event", sa.Text(), nullable=True))
    op.add_column("changes", sa.Column("type", sa.Text(), nullable=True))
    op.add_column("changes", sa.Column("schema_version", sa.Integer(), nullable=True))
    op.add_column("changes", sa.Column("position", sa.BigInteger(), nullable=True))
    op.add_column("changes", sa.Column("customer", sa.Text(), nullable=True))
    op.execute(OLD)
    for column in ("event", "type", "schema_version", "position"):
        op.alter_column("changes", column, nullable=False)
    op.drop_index("ix_changes_invoice", "changes")
    op.create_index("ix_changes_invoice", "changes", ["invoice", "position", "id"])
    op.create_index("ix_changes_position", "changes", ["position", "id"])
    op.create_index("uq_changes_event", "changes", ["event"], unique=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_index("uq_changes_event", "changes")
    op.drop_index("ix_changes_position", "changes")
    op.drop_index("ix_changes_invoice", "changes")
    for column in ("customer", "position", "schema_version", "type", "event"):
        op.drop_column("changes", column)
    op.create_index("ix_changes_invoice", "changes", ["invoice", "id"])
    op.drop_table("feed")
