"""Invoices are found by their number, metadata and words, and listed by due date and amount.

Each index is made beside the writes (CONCURRENTLY). The words of the rows that are there are filled in by the worker,
together with the fields that documents have gained.

Revision: 6d2e94b7c105
Follows: 2c9e7a46f0d1
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "6d2e94b7c105"
down_revision = "2c9e7a46f0d1"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_invoices_number": "(number) WHERE number IS NOT NULL",
    "ix_invoices_metadata": "USING gin (metadata jsonb_path_ops)",
    "ix_invoices_search": "USING gin (search)",
    "ix_invoices_by_created_at": "(status, collection_method, created_at DESC, id DESC)",
    "ix_invoices_by_due_at": "(status, collection_method, coalesce(due_at, '9999-12-31 23:59:59+00'::timestamptz), id)",
    "ix_invoices_by_amount_due": "(status, collection_method, amount_due, id)",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("invoices", sa.Column("search", postgresql.TSVECTOR()), if_not_exists=True)
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON invoices {columns}")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for name in INDEXES:
        op.drop_index(name, table_name="invoices")
    op.drop_column("invoices", "search")
