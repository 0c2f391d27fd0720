"""What the API answers of a mirrored row is stored with it, ready made.

All columns are nullable or have a default, so the code before goes on as it was. It does not know documents: where it
changes a row that has one, a trigger takes the document away, and reads make it of the row's columns until it is there
again. So what the code before erases is erased from the document, too. A later release drops the columns that only
documents show, and the triggers with them.

Revision: 3d7a15c0b8e4
Follows: 8f14a6d3b0e2
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3d7a15c0b8e4"
down_revision = "8f14a6d3b0e2"
branch_labels = None
depends_on = None

ALL = "livemode created_at updated_at metadata reference"
SHOWN = {
    "products": f"{ALL} name description active",
    "prices": f"{ALL} product active currency unit_amount unit_amount_decimal nickname lookup_key",
    "customers": f"{ALL} name email description phone address default_payment_method custom_fields footer",
    "invoices": f"""{ALL}
        number status customer collection_method auto_advance currency subtotal total amount_due amount_paid
        amount_remaining due_at description footer custom_fields payment_intent hosted_invoice_url invoice_pdf
        finalized_at paid_at voided_at marked_uncollectible_at lines_digest""",
}
"""The columns that documents are made of, by table."""

FORGET = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.document := NULL;
    NEW.document_version := 0;
    NEW.later_digests := NULL;
    {more}
    RETURN NEW;
END $$
"""
FORGOTTEN = """
CREATE OR REPLACE TRIGGER document_follows BEFORE UPDATE ON {table} FOR EACH ROW
WHEN (NEW.document IS NOT NULL AND NEW.document = OLD.document {same} AND ({new}) IS DISTINCT FROM ({old}))
EXECUTE FUNCTION {function}()
"""
COMPRESSED = """
DO $$ BEGIN
    ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute(FORGET.format(name="forget_document", more=""))
    op.execute(FORGET.format(name="forget_documents", more="NEW.items_document := NULL;"))
    for table, shown in SHOWN.items():
        has_items = table == "invoices"
        texts = ["document", "items_document"] if has_items else ["document"]
        for column in texts:
            op.add_column(table, sa.Column(column, sa.Text(), nullable=True), if_not_exists=True)
            op.execute(COMPRESSED.format(table=table, column=column))
        for added in (
            sa.Column("document_version", sa.Integer(), server_default="0", nullable=False),
            sa.Column("later_digests", postgresql.ARRAY(sa.Text()), nullable=True),
        ):
            op.add_column(table, added, if_not_exists=True)
        op.execute(
            FORGOTTEN.format(
                table=table,
                same="AND NEW.items_document IS NOT DISTINCT FROM OLD.items_document" if has_items else "",
                new=", ".join(f"NEW.{column}" for column in shown.split()),
                old=", ".join(f"OLD.{column}" for column in shown.split()),
                function="forget_documents" if has_items else "forget_document",
            )
        )
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        for table in SHOWN:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_{table}_undocumented")
            op.execute(f"CREATE INDEX CONCURRENTLY ix_{table}_undocumented ON {table} (id) WHERE document_version = 0")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in SHOWN:
        op.execute(f"DROP TRIGGER document_follows ON {table}")
        op.execute(f"DROP INDEX ix_{table}_undocumented")
        columns = ["document", "document_version", "later_digests"]
        for column in [*columns, "items_document"] if table == "invoices" else columns:
            op.drop_column(table, column)
    op.execute("DROP FUNCTION forget_document")
    op.execute("DROP FUNCTION forget_documents")
