"""A payment link may take promotion codes while its invoice is a draft, and counts those that are tried.

Revision: 7d2e90b4c1f6
Follows: 7d3e51b8a0c4
"""

import sqlalchemy as sa
from alembic import op

revision = "7d2e90b4c1f6"
down_revision = "7d3e51b8a0c4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column(
        "payment_links", sa.Column("promotion_codes", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "payment_links", sa.Column("code_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("payment_links", "code_attempts")
    op.drop_column("payment_links", "promotion_codes")
