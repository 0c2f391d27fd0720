"""Owns the tables of what became of invoices: fulfillments, the changes in their order (the feed), links to pay."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Identity, Index, Integer, desc, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.mapped import Model, one_of
from app.domain.fulfillment import FulfillmentStatus


class Fulfillment(Model):
    __tablename__ = "fulfillments"

    id: Mapped[str] = mapped_column(primary_key=True)
    invoice: Mapped[str] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    customer: Mapped[str | None]
    status: Mapped[str]
    amount_paid: Mapped[int]
    currency: Mapped[str]
    payment_intent: Mapped[str | None]
    paid_out_of_band: Mapped[bool]
    attempts: Mapped[int]
    failure_code: Mapped[str | None]
    failure_decline_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    failure_at: Mapped[datetime | None]
    attempt: Mapped[str | None]
    attempt_at: Mapped[datetime | None]
    fulfilled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_fulfillments_invoice", "invoice", unique=True),
        CheckConstraint(one_of("status", FulfillmentStatus), name="status"),
        CheckConstraint("amount_paid >= 0 AND attempts >= 0", name="amounts_not_negative"),
        CheckConstraint("(attempt IS NULL) = (attempt_at IS NULL)", name="attempt_has_time"),
        CheckConstraint("(status = 'fulfilled') = (fulfilled_at IS NOT NULL)", name="fulfilled_has_time"),
        Index("ix_fulfillments_newest", desc("created_at"), desc("id")),
        Index("ix_fulfillments_status_newest", "status", desc("created_at"), desc("id")),
        Index("ix_fulfillments_customer_newest", "customer", desc("created_at"), desc("id")),
        Index("ix_fulfillments_updated", desc("updated_at")),
    )


class Change(Model):
    """What became of an invoice and of its fulfillment; rows are only ever added. Each is an event of the feed.

    subject: `invoice` or `fulfillment`. cause: the event (`evt_…`) or whatever else brought it about.
    event: its public id. position, then id: its place in the feed (see events/feed_statements.py); 0 is before the feed.
    """

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    event: Mapped[str]
    type: Mapped[str]
    schema_version: Mapped[int] = mapped_column(Integer)
    position: Mapped[int]
    invoice: Mapped[str]
    customer: Mapped[str | None]
    subject: Mapped[str]
    was: Mapped[str | None]
    became: Mapped[str]
    cause: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))

    __table_args__ = (
        CheckConstraint("subject IN ('invoice', 'fulfillment')", name="subject"),
        Index("ix_changes_invoice", "invoice", "position", "id"),
        Index("ix_changes_position", "position", "id"),
        Index("uq_changes_event", "event", unique=True),
    )


class Feed(Model):
    """What is added to a transaction's id to make a position: one row. It only grows.

    gone_position, gone_change: the last change that was deleted because its retention is over.
    """

    __tablename__ = "feed"

    id: Mapped[bool] = mapped_column(Boolean, primary_key=True, server_default=text("true"))
    base: Mapped[int] = mapped_column(server_default=text("0"))
    gone_position: Mapped[int] = mapped_column(server_default=text("0"))
    gone_change: Mapped[int] = mapped_column(server_default=text("0"))

    __table_args__ = (CheckConstraint("id", name="one_row"),)


class PaymentLink(Model):
    """A link that lets somebody without an account pay one invoice. Its token is never stored, only made again."""

    __tablename__ = "payment_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    invoice: Mapped[str] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_payment_links_invoice", "invoice"),)
