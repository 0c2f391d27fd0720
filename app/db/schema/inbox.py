"""The tables of what Stripe sent: events, objects that are gone, and up to when nothing is missing."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text, desc, func, text

from app.db.schema.metadata import TIME, metadata, one_of

INBOX_STATUSES = ("received", "processing", "processed", "ignored", "failed", "dead")
WAITING_STATUSES = ("received", "failed")
DUE_STATUSES = (*WAITING_STATUSES, "processing")
"""Events to process once their next_attempt_at has come; `processing` is included for workers that died."""

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("object_id", Text),
    Column("api_version", Text),
    Column("account", Text),
    Column("livemode", Boolean, nullable=False),
    Column("created_at", TIME, primary_key=True),
    Column("payload", Text, nullable=False),  # compressed by lz4 or not at all: its migration says why
    Column("verified_by", Text),
    Column("source", Text, nullable=False),
    Column("request_id", Text),
    Column("received_at", TIME, server_default=func.now(), nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, server_default=text("0"), nullable=False),
    Column("lease", Integer, server_default=text("0"), nullable=False),
    Column("last_error", Text),
    Column("next_attempt_at", TIME, server_default=func.now()),
    Column("processed_at", TIME),
    CheckConstraint(one_of("status", INBOX_STATUSES), name="status"),
    CheckConstraint("attempts >= 0", name="attempts_not_negative"),
    CheckConstraint(f"({one_of('status', DUE_STATUSES)}) = (next_attempt_at IS NOT NULL)", name="due_has_time"),
    Index("ix_webhook_events_due", "next_attempt_at", postgresql_where=text(one_of("status", WAITING_STATUSES))),
    Index("ix_webhook_events_leased", "next_attempt_at", postgresql_where=text("status = 'processing'")),
    Index("ix_webhook_events_dead", "received_at", postgresql_where=text("status = 'dead'")),
    Index("ix_webhook_events_newest", desc("received_at"), desc("id")),
    Index("ix_webhook_events_object", "object_id", "created_at"),
    postgresql_partition_by="RANGE (created_at)",
)
"""The inbox: every event received, unchanged. The row is also the job that processes it.

lease: how often it was claimed in all; `attempts` restarts with a replay. processed_at: when its effects were first
committed; a replay does not change it. The id alone identifies the event; created_at, which Stripe never changes, is in
the key because of the partitions (app/db/partitions.py).
"""

tombstones = Table(
    "tombstones",
    metadata,
    Column("id", Text, primary_key=True),
    Column("deleted_at", TIME, server_default=func.now(), nullable=False),
)
"""Objects that were deleted at Stripe and never seen here. Late events must not create them."""

coverage = Table(
    "coverage",
    metadata,
    Column("name", Text, primary_key=True),
    Column("complete_until", TIME, nullable=False),
    Column("compared", BigInteger, server_default=text("0"), nullable=False),
    Column("missed", BigInteger, server_default=text("0"), nullable=False),
    Column("repaired", BigInteger, server_default=text("0"), nullable=False),
    Column("updated_at", TIME, server_default=func.now(), nullable=False),
)
"""Up to when the inbox is complete and clean: `events` were compared with Stripe's, `erasure` swept."""
