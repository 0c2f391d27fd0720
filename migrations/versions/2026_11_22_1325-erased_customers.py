"""erased customers are found by when they were, and answered operations forget what was asked

Revision: 8d2e4b7f9a31
Follows: 3f8a6c1d7e24
"""

import sqlalchemy as sa
from alembic import op

revision = "8d2e4b7f9a31"
down_revision = "3f8a6c1d7e24"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_index(
        "ix_customers_deleted",
        "customers",
        ["deleted_at"],
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.execute("UPDATE operations SET params = '{}'::jsonb WHERE answered_at IS NOT NULL AND params <> '{}'::jsonb")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_index("ix_customers_deleted", table_name="customers")
