"""Owns the tables of who may call: keys, the audit log, rate limits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Float, Index, desc, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.mapped import Model


class ApiKey(Model):
    """A service's key: only its digest is kept. `caller` is who it stands for, the same before and after a rotation.

    feed_apart: whether it was made since the feed has a scope of its own; in an older one `events:read` opens it, too.
    """

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    caller: Mapped[str]
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes]
    scopes: Mapped[list[str]]
    feed_apart: Mapped[bool] = mapped_column(server_default=false())
    livemode: Mapped[bool]
    replaced_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
        Index("uq_api_keys_prefix", "prefix", unique=True, postgresql_ops={"prefix": "text_pattern_ops"}),
        Index("ix_api_keys_newest", desc("created_at"), desc("id")),
    )


class AuditEntry(Model):
    """Who did what, when, and how it ended. Rows are only ever added: triggers refuse everything else.

    detail: how many and which, where one entry stands for many of the same; it has no subject then.
    """

    __tablename__ = "audit_log"

    id: Mapped[str] = mapped_column(
        primary_key=True, server_default=text("'aud_' || replace(gen_random_uuid()::text, '-', '')")
    )
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str | None]
    outcome: Mapped[str]
    request_id: Mapped[str | None]
    operation: Mapped[UUID | None]
    detail: Mapped[str | None]

    __table_args__ = (
        Index("ix_audit_log_newest", desc("at"), desc("id")),
        Index("ix_audit_log_subject_newest", "subject", desc("at"), desc("id")),
        Index("ix_audit_log_actor_newest", "actor", desc("at"), desc("id")),
    )


class RateBucket(Model):
    """A bucket of requests somebody may still make, shared by all processes. Losing it in a crash costs nothing."""

    __tablename__ = "rate_buckets"

    name: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Float)
    granted: Mapped[float] = mapped_column(Float)
    filled_at: Mapped[datetime]

    __table_args__ = (Index("ix_rate_buckets_filled", "filled_at"), {"prefixes": ["UNLOGGED"]})
