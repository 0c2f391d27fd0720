"""The feed knows which timeline of PostgreSQL its base was made for.

A promoted replica may have lost what readers have seen, and counts on from there. Each promotion begins a new timeline:
positions go on with a gap for each timeline since.

Revision: c04e9d51a7b3
Follows: 5b1c8e0f7d24
"""

import sqlalchemy as sa
from alembic import op

revision = "c04e9d51a7b3"
down_revision = "5b1c8e0f7d24"
branch_labels = None
depends_on = None

TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("feed", sa.Column("timeline", sa.Integer(), server_default=sa.text(TIMELINE), nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("feed", "timeline")
