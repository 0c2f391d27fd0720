"""The tables of outgoing webhooks: the endpoints of others, and the deliveries to them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    desc,
    func,
    not_,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema.metadata import JSON, TIME, metadata, one_of
from app.domain.outgoing import WAITING, DeliveryStatus, DisabledReason, EndpointStatus

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("types", ARRAY(Text), nullable=False),
    Column("ordered", Boolean, nullable=False),
    Column("secrets", JSON, nullable=False),
    Column("status", Text, server_default=text("'enabled'"), nullable=False),
    Column("disabled_reason", Text),
    Column("disabled_at", TIME),
    Column("failing_since", TIME),
    Column("last_failure_at", TIME),
    Column("position", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Column("updated_at", TIME, server_default=func.now(), nullable=False),
    Column("deleted_at", TIME),
    CheckConstraint(one_of("status", EndpointStatus), name="status"),
    CheckConstraint(one_of("disabled_reason", DisabledReason), name="disabled_reason"),
    CheckConstraint(
        "(status = 'disabled') = (disabled_reason IS NOT NULL) AND (status = 'disabled') = (disabled_at IS NOT NULL)",
        name="disabled_has_reason",
    ),
    Index("ix_webhook_endpoints_newest", desc("created_at"), desc("id")),
)
"""Endpoints that receive events. `position` and `change` are how far in the feed their deliveries are made.

failing_since, last_failure_at: null if the last attempt was accepted. types: the event types it wants; empty means all.
secrets: `{sealed, created_at, expires_at}`, newest first; all but the newest expire.
"""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True, server_default=text("'dlv_' || replace(gen_random_uuid()::text, '-', '')")),
    Column("endpoint", Text, ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("event", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("position", BigInteger),
    Column("change", BigInteger),
    Column("invoice", Text),
    Column("in_order", Boolean, nullable=False),
    Column("status", Text, server_default=text("'pending'"), nullable=False),
    Column("attempts", Integer, server_default=text("0"), nullable=False),
    Column("lease", Integer, server_default=text("0"), nullable=False),
    Column("next_attempt_at", TIME, server_default=func.now()),
    Column("log", JSON, server_default=text("'[]'::jsonb"), nullable=False),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Column("delivered_at", TIME),
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
"""One event for one endpoint. The row is the job: claimed with a lease, and due again when that ends.

position, change: the event's place in the feed; null for a ping, which is not in the feed. in_order: it waits for those
before it. lease: how often it was claimed in all. log: the last attempts, oldest first.
"""

EITHER = or_(deliveries.c.in_order, not_(deliveries.c.in_order))
"""Always true. It tells the planner that the two indexes of waiting deliveries hold all of them."""
