"""Owns the tables of what callers asked for: operations with their keys, and references that are taken."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.mapped import Model


class Operation(Model):
    """One mutating request: its idempotency key (null where the caller sent none), how far it got, what was answered."""

    __tablename__ = "operations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    caller: Mapped[str]
    idempotency_key: Mapped[str | None]
    fingerprint: Mapped[str]
    name: Mapped[str]
    params: Mapped[dict[str, Any]]
    progress: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    subject: Mapped[str | None]
    request_id: Mapped[str | None]
    locked_until: Mapped[datetime]
    takeovers: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    answered_at: Mapped[datetime | None]
    answer_status: Mapped[int | None] = mapped_column(Integer)
    answer_body: Mapped[str | None]
    last_error: Mapped[str | None]

    __table_args__ = (
        Index("uq_operations_caller_key", "caller", "idempotency_key", unique=True),
        CheckConstraint("(answered_at IS NULL) = (answer_status IS NULL)", name="answered_has_status"),
        CheckConstraint("length(idempotency_key) BETWEEN 1 AND 255", name="key_length"),
        Index("ix_operations_unanswered", "locked_until", postgresql_where=text("answered_at IS NULL")),
        Index("ix_operations_created", "created_at"),
        Index("ix_operations_subject", "subject", "created_at"),
    )


class ReferenceClaim(Model):
    """The caller's own ids: claimed before Stripe is asked, so that two creates never share one."""

    __tablename__ = "reference_claims"

    resource: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[UUID | None]
    object_id: Mapped[str | None]

    __table_args__ = (CheckConstraint("length(reference) BETWEEN 1 AND 200", name="reference_length"),)
