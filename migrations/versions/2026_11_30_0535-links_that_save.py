"""Payment links say whether what the invoice is paid with is saved.

Revision: d70a3c95e1b8
Follows: 6d2e94b7c105
"""

import sqlalchemy as sa
from alembic import op

revision = "d70a3c95e1b8"
down_revision = "6d2e94b7c105"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column(
        "payment_links",
        sa.Column("save_payment_method", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("payment_links", "save_payment_method")
