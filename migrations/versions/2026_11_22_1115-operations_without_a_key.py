"""operations without a key, and why an operation is not finished

Revision: 5b1e0c7d92aa
Follows: 5b1d7c20a4e9
"""

import sqlalchemy as sa
from alembic import op

revision = "5b1e0c7d92aa"
down_revision = "5b1d7c20a4e9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("operations", sa.Column("last_error", sa.Text(), nullable=True))
    op.alter_column("operations", "idempotency_key", existing_type=sa.Text(), nullable=True)
    op.execute("UPDATE operations SET idempotency_key = NULL WHERE idempotency_key = 'auto:' || id::text")
    op.drop_constraint(op.f("ck_operations_key_length"), "operations", type_="check")
    op.create_check_constraint(
        op.f("ck_operations_key_length"), "operations", "length(idempotency_key) BETWEEN 1 AND 255"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_constraint(op.f("ck_operations_key_length"), "operations", type_="check")
    op.create_check_constraint(
        op.f("ck_operations_key_length"), "operations", "length(idempotency_key) BETWEEN 1 AND 300"
    )
    op.execute("UPDATE operations SET idempotency_key = 'auto:' || id::text WHERE idempotency_key IS NULL")
    op.alter_column("operations", "idempotency_key", existing_type=sa.Text(), nullable=False)
    op.drop_column("operations", "last_error")
