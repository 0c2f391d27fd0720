"""The tables of API keys, the audit log and rate limits."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    and_,
    case,
    desc,
    false,
    func,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, array

from app.db.schema.metadata import TIME, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("caller", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("feed_apart", Boolean, server_default=false(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("replaced_by", Text),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Column("expires_at", TIME),
    Column("last_used_at", TIME),
    Column("revoked_at", TIME),
    CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
    Index("uq_api_keys_prefix", "prefix", unique=True, postgresql_ops={"prefix": "text_pattern_ops"}),
    Index("ix_api_keys_newest", desc("created_at"), desc("id")),
)
"""API keys, of which only digests are stored. `caller` is whom the key stands for; a rotation keeps it.

feed_apart: whether the key was made since the feed has its own scope; for older keys `events:read` includes it.
"""

GRANTED_SCOPES = case(
    (
        and_(
            ~api_keys.c.feed_apart,
            api_keys.c.scopes.overlap(array(["events:read", "events:write"])),
            literal("feed:read") != func.all(api_keys.c.scopes),
        ),
        func.array_append(api_keys.c.scopes, "feed:read"),
    ),
    else_=api_keys.c.scopes,
)
"""The scopes of a key. A key from before the feed had its own scope keeps the right to read it."""

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Text, primary_key=True, server_default=text("'aud_' || replace(gen_random_uuid()::text, '-', '')")),
    Column("at", TIME, server_default=func.clock_timestamp(), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text),
    Column("outcome", Text, nullable=False),
    Column("request_id", Text),
    Column("operation", Uuid),
    Column("detail", Text),
    Index("ix_audit_log_newest", desc("at"), desc("id")),
    Index("ix_audit_log_subject_newest", "subject", desc("at"), desc("id")),
    Index("ix_audit_log_actor_newest", "actor", desc("at"), desc("id")),
)
"""Who did what, when, and with which outcome. Triggers refuse everything except inserts.

detail: how many and which, where one entry stands for several; it has no subject then.
"""

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("granted", Float, nullable=False),
    Column("filled_at", TIME, nullable=False),
    Index("ix_rate_buckets_filled", "filled_at"),
    prefixes=["UNLOGGED"],
)
"""Token buckets of rate limits, shared by all processes. Losing them in a crash costs nothing."""
