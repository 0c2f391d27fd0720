"""Owns the tables of what came in: Stripe's events, objects that are gone, and how far nothing is missing."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, desc, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.mapped import Model, one_of

INBOX_STATUSES = ("received", "processing", "processed", "ignored", "failed", "dead")
WAITING_STATUSES = ("received", "failed")
DUE_STATUSES = (*WAITING_STATUSES, "processing")
"""Events that are to be processed once their next_attempt_at has come; `processing` comes due when a worker died."""


class WebhookEvent(Model):
    """The inbox: every event ever received, as it came. The row is also the job that will process it.

    processed_at is when its effects were first committed; a replay does not move it.
    The id alone says which event it is; created_at, which Stripe never changes, is in the key for the partitions' sake
    (app/db/partitions.py).
    """

    __tablename__ = "webhook_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    object_id: Mapped[str | None]
    api_version: Mapped[str | None]
    account: Mapped[str | None]
    livemode: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(primary_key=True)
    payload: Mapped[str]  # compressed by lz4 or not at all: its migration says why
    verified_by: Mapped[str | None]
    source: Mapped[str]
    request_id: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_error: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    processed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("status", INBOX_STATUSES), name="status"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint(f"({one_of('status', DUE_STATUSES)}) = (next_attempt_at IS NOT NULL)", name="due_has_time"),
        Index("ix_webhook_events_due", "next_attempt_at", postgresql_where=text(one_of("status", WAITING_STATUSES))),
        Index("ix_webhook_events_leased", "next_attempt_at", postgresql_where=text("status = 'processing'")),
        Index("ix_webhook_events_dead", "received_at", postgresql_where=text("status = 'dead'")),
        Index("ix_webhook_events_newest", desc("received_at"), desc("id")),
        Index("ix_webhook_events_object", "object_id", "created_at"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    __mapper_args__ = {"primary_key": [id]}  # noqa: RUF012, A003 -- SQLAlchemy reads it as declared


class Tombstone(Model):
    """An object that is gone at Stripe and was never seen here: what is said of it later must not bring it to life."""

    __tablename__ = "tombstones"

    id: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Coverage(Model):
    """How far the inbox is complete and clean: `events` were compared with Stripe's, `erasure` swept."""

    __tablename__ = "coverage"

    name: Mapped[str] = mapped_column(primary_key=True)
    complete_until: Mapped[datetime]
    compared: Mapped[int] = mapped_column(server_default=text("0"))
    missed: Mapped[int] = mapped_column(server_default=text("0"))
    repaired: Mapped[int] = mapped_column(server_default=text("0"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
