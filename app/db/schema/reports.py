"""The table of the balance report."""

from sqlalchemy import BigInteger, Column, Date, Table, Text, func

from app.db.schema.metadata import JSON, TIME, metadata

balance_days = Table(
    "balance_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("paid", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("disputed", BigInteger, nullable=False),
    Column("credited", BigInteger, nullable=False),
    Column("fees", BigInteger, nullable=False),
    Column("differences", JSON, nullable=False),
    Column("checked_at", TIME, server_default=func.now(), nullable=False),
)
"""The money of each day as Stripe's balance transactions have it, and where our rows differ, at the latest comparison."""
