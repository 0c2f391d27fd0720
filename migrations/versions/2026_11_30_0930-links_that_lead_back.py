"""Payment links say where their page leads back to after paying.

Revision: 3f81b6a2c9d4
Follows: d70a3c95e1b8
"""

import sqlalchemy as sa
from alembic import op

revision = "3f81b6a2c9d4"
down_revision = "d70a3c95e1b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("payment_links", sa.Column("return_url", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("payment_links", "return_url")
