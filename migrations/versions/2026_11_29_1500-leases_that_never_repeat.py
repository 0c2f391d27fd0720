"""Each job counts its leases, and an endpoint says when it failed last.

`lease` fences the outcome of a job. `attempts` fenced it before, and repeats where a person has a job tried again.

Revision: 5b1c8e0f7d24
Follows: 3d7a15c0b8e4
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5b1c8e0f7d24"
down_revision = "3d7a15c0b8e4"
branch_labels = None
depends_on = None

QUEUES = ("webhook_events", "deliveries", "fulfillment_actions")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for queue in QUEUES:
        op.add_column(queue, sa.Column("lease", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("webhook_endpoints", sa.Column("last_failure_at", postgresql.TIMESTAMP(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("webhook_endpoints", "last_failure_at")
    for queue in reversed(QUEUES):
        op.drop_column(queue, "lease")
