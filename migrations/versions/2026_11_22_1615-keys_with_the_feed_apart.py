"""Keys say whether they were made since the feed has a scope of its own.

Older keys, and those that the code before makes while this release is rolled out, go on reading the feed with
`events:read`. Their scopes are not rewritten: the code before does not know the new one. A later release may write them
out and drop the column.

Revision: c4e81f7a2d09
Follows: b7d1c94e2f60
"""

import sqlalchemy as sa
from alembic import op

revision = "c4e81f7a2d09"
down_revision = "b7d1c94e2f60"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("api_keys", sa.Column("feed_apart", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("api_keys", "feed_apart")
