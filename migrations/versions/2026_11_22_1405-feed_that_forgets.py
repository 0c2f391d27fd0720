"""the feed remembers up to where it was forgotten

Revision: 6a2f9c4e8b15
Follows: 0ffcf7cc5aca
"""

import sqlalchemy as sa
from alembic import op

revision = "6a2f9c4e8b15"
down_revision = "0ffcf7cc5aca"
branch_labels = None
depends_on = None

COLUMNS = ("gone_position", "gone_change")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for column in COLUMNS:
        op.add_column("feed", sa.Column(column, sa.BigInteger(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for column in COLUMNS:
        op.drop_column("feed", column)
