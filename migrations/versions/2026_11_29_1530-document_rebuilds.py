"""How far the documents of older versions are made anew is a row per kind, so that it can be gone on with.

Revision: 9be4d26f01a7
Follows: c04e9d51a7b3
"""

import sqlalchemy as sa
from alembic import op

revision = "9be4d26f01a7"
down_revision = "c04e9d51a7b3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "document_rebuilds",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("derived", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fetched", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("finished", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_document_rebuilds"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_table("document_rebuilds")
