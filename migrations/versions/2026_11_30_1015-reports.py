"""Indexes that hold all that the reports on receivables read.

Each is made beside the writes (CONCURRENTLY). The one of what is owed serves what the one of due dates did.

Revision: b41d7e60c2f9
Follows: 3f81b6a2c9d4
"""

from alembic import op

revision = "b41d7e60c2f9"
down_revision = "3f81b6a2c9d4"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_invoices_owed": "invoices (due_at) INCLUDE (currency, amount_remaining) WHERE status = 'open'",
    "ix_invoices_paid": (
        "invoices (paid_at) INCLUDE (id, currency, finalized_at, amount_paid, paid_out_of_band) WHERE status = 'paid'"
    ),
    "ix_invoice_payments_paid": "invoice_payments (paid_at) INCLUDE (invoice, amount_paid) WHERE status = 'paid'",
    "ix_invoice_payments_before": "invoice_payments (payment_intent) WHERE status IS NULL",
}
BEFORE = {"ix_invoices_due": "invoices (due_at) WHERE status = 'open'"}


def upgrade() -> None:
    _replace(BEFORE, INDEXES)


def downgrade() -> None:
    _replace(INDEXES, BEFORE)


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        for name, columns in new.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        for name in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute("RESET lock_timeout")
