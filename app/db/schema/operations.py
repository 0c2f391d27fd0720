"""The tables of operations, with their idempotency keys, and of references that are taken."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, Uuid, func, text

from app.db.schema.metadata import JSON, TIME, metadata

operations = Table(
    "operations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("caller", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("fingerprint", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("params", JSON, nullable=False),
    Column("progress", JSON, server_default=text("'{}'::jsonb"), nullable=False),
    Column("subject", Text),
    Column("request_id", Text),
    Column("locked_until", TIME, nullable=False),
    Column("takeovers", Integer, server_default=text("0"), nullable=False),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Column("answered_at", TIME),
    Column("answer_status", Integer),
    Column("answer_body", Text),
    Column("last_error", Text),
    Index("uq_operations_caller_key", "caller", "idempotency_key", unique=True),
    CheckConstraint("(answered_at IS NULL) = (answer_status IS NULL)", name="answered_has_status"),
    CheckConstraint("length(idempotency_key) BETWEEN 1 AND 255", name="key_length"),
    Index("ix_operations_unanswered", "locked_until", postgresql_where=text("answered_at IS NULL")),
    Index("ix_operations_created", "created_at"),
    Index("ix_operations_subject", "subject", "created_at"),
)
"""Mutating requests: the idempotency key (null if the caller sent none), the progress, and the answer."""

reference_claims = Table(
    "reference_claims",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("operation", Uuid),
    Column("object_id", Text),
    CheckConstraint("length(reference) BETWEEN 1 AND 200", name="reference_length"),
    Index("ix_reference_claims_operation", "operation", postgresql_where=text("object_id IS NULL")),
)
"""The callers' own ids, claimed before Stripe is asked, so that two creates cannot share one."""
