"""An entry of the audit log may stand for many of the same, and says which in its detail.

Revision: 8f14a6d3b0e2
Follows: 5e2b90c7d4a1
"""

import sqlalchemy as sa
from alembic import op

revision = "8f14a6d3b0e2"
down_revision = "5e2b90c7d4a1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("audit_log", sa.Column("detail", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("audit_log", "detail")
