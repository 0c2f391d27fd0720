"""Owns the tables of what goes out: the endpoints of others that hear of events, and every delivery to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, desc, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.mapped import Model, one_of
from app.domain.outgoing import WAITING, DeliveryStatus, DisabledReason, EndpointStatus


class WebhookEndpoint(Model):
    """Where somebody wants to hear of events. `position`, `change`: up to where in the feed its deliveries are made.

    types: of which events; all, where it is empty. secrets: `{sealed, created_at, expires_at}`, the newest first; all
    but the newest expire.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    description: Mapped[str | None]
    types: Mapped[list[str]]
    ordered: Mapped[bool]
    secrets: Mapped[list[Any]]
    status: Mapped[str] = mapped_column(server_default=text("'enabled'"))
    disabled_reason: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    position: Mapped[int]
    change: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("status", EndpointStatus), name="status"),
        CheckConstraint(one_of("disabled_reason", DisabledReason), name="disabled_reason"),
        CheckConstraint(
            "(status = 'disabled') = (disabled_reason IS NOT NULL) AND (status = 'disabled') = (disabled_at IS NOT NULL)",
            name="disabled_has_reason",
        ),
        Index("ix_webhook_endpoints_newest", desc("created_at"), desc("id")),
    )


class Delivery(Model):
    """One event for one endpoint. The row is the job: claimed by a lease, and due again when that ends.

    position, change: the event's place in the feed; null for a ping, which is in no feed. in_order: it waits until those
    before it are finished. log: the last attempts, oldest first.
    """

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(
        primary_key=True, server_default=text("'dlv_' || replace(gen_random_uuid()::text, '-', '')")
    )
    endpoint: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event: Mapped[str]
    type: Mapped[str]
    position: Mapped[int | None]
    change: Mapped[int | None]
    invoice: Mapped[str | None]
    in_order: Mapped[bool]
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    log: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    delivered_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(one_of("status", DeliveryStatus), name="status"),
        CheckConstraint(f"({one_of('status', WAITING)}) = (next_attempt_at IS NOT NULL)", name="waiting_has_time"),
        Index("uq_deliveries_endpoint_event", "endpoint", "event", unique=True),
        Index(
            "ix_deliveries_free",
            "endpoint",
            "next_attempt_at",
            postgresql_where=text(f"NOT in_order AND {one_of('status', WAITING)}"),
        ),
        Index(
            "ix_deliveries_head",
            "endpoint",
            "position",
            "change",
            postgresql_where=text(f"in_order AND {one_of('status', WAITING)}"),
        ),
        Index("ix_deliveries_newest", "endpoint", desc("created_at"), desc("id")),
        Index("ix_deliveries_invoice", "invoice", postgresql_where=text("invoice IS NOT NULL")),
        Index("ix_deliveries_newest_of_all", desc("created_at"), desc("id")),
        Index("ix_deliveries_dead", desc("created_at"), desc("id"), postgresql_where=text("status = 'dead'")),
    )
