"""Partial payments: payments made elsewhere, and links that let the payer pay a part.

Revision: 7d3e51b8a0c4
Follows: 5e0d7ab3c914
"""

import sqlalchemy as sa
from alembic import op

revision = "7d3e51b8a0c4"
down_revision = "5e0d7ab3c914"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("invoice_payments", sa.Column("payment_record", sa.Text(), nullable=True))
    op.add_column("payment_links", sa.Column("minimum_payment", sa.BigInteger(), nullable=True))
    op.add_column("payment_links", sa.Column("payment_intent", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("payment_links", "payment_intent")
    op.drop_column("payment_links", "minimum_payment")
    op.drop_column("invoice_payments", "payment_record")
