"""signatures are not kept: nothing reads them, and which secret verified an event is in verified_by

API processes of the version before write the column: until they are replaced their deliveries are answered 503, and
Stripe delivers again.

Revision: 3f8a6c1d7e24
Follows: 3c9e5a7f1d20
"""

import sqlalchemy as sa
from alembic import op

revision = "3f8a6c1d7e24"
down_revision = "3c9e5a7f1d20"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("webhook_events", "signature")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("webhook_events", sa.Column("signature", sa.Text(), nullable=True))
