"""The tables of fulfillments, of changes (the feed), and of payment links."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    desc,
    func,
    text,
)

from app.db.schema.metadata import JSON, TIME, metadata, one_of
from app.domain.events import SUBJECTS
from app.domain.fulfillment import STORED_AS, FulfillmentStatus

EARLIER = [status for status in FulfillmentStatus if status not in STORED_AS]
"""The statuses that the release before knows, too. The others stand in `later_status`."""
PAIRS = " OR ".join(f"(status = '{earlier}' AND later_status = '{own}')" for own, earlier in STORED_AS.items())

fulfillments = Table(
    "fulfillments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("invoice", Text, ForeignKey("invoices.id", ondelete="RESTRICT"), nullable=False),
    Column("customer", Text),
    Column("status", Text, nullable=False),
    Column("amount_paid", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_intent", Text),
    Column("paid_out_of_band", Boolean, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("failure_code", Text),
    Column("failure_decline_code", Text),
    Column("failure_message", Text),
    Column("failure_at", TIME),
    Column("attempt", Text),
    Column("attempt_at", TIME),
    Column("fulfilled_at", TIME),
    Column("created_at", TIME, nullable=False),
    Column("updated_at", TIME, nullable=False),
    Column("later_status", Text),
    Column("action_required_at", TIME),
    Column("required_action", Text),
    Column("amount_refunded", BigInteger, server_default=text("0"), nullable=False),
    Column("amount_credited", BigInteger, server_default=text("0"), nullable=False),
    Column("amount_disputed", BigInteger, server_default=text("0"), nullable=False),
    Column("amount_undecided", BigInteger, server_default=text("0"), nullable=False),
    Column("disputes_to_answer", Integer, server_default=text("0"), nullable=False),
    Column("payment_attempts", JSON),
    Column("history", JSON),
    Column("policy", JSON),
    Index("uq_fulfillments_invoice", "invoice", unique=True),
    CheckConstraint(one_of("status", EARLIER), name="status"),
    CheckConstraint(f"later_status IS NULL OR {PAIRS}", name="later_status"),
    CheckConstraint(
        "amount_refunded >= 0 AND amount_credited >= 0 AND amount_undecided >= 0 AND amount_disputed >= amount_undecided",
        name="returns_not_negative",
    ),
    CheckConstraint("amount_paid >= 0 AND attempts >= 0", name="amounts_not_negative"),
    CheckConstraint("(attempt IS NULL) = (attempt_at IS NULL)", name="attempt_has_time"),
    CheckConstraint("(status = 'fulfilled') = (fulfilled_at IS NOT NULL)", name="fulfilled_has_time"),
    Index("ix_fulfillments_newest", desc("created_at"), desc("id")),
    Index("ix_fulfillments_status_newest", "status", desc("created_at"), desc("id")),
    Index("ix_fulfillments_customer_newest", "customer", desc("created_at"), desc("id")),
    Index("ix_fulfillments_updated", desc("updated_at")),
    Index(
        "ix_fulfillments_effective_status_newest",
        text("coalesce(later_status, status)"),
        desc("created_at"),
        desc("id"),
    ),
)
"""One fulfillment of each invoice. domain/fulfillment.py says which of its columns stand for its status.

history: what became of it, each entry with a number (see fulfillment/history.py). payment_attempts: the attempts to pay.
policy: the policy it was made with; null if it was made before there were policies. amount_undecided: the part of
amount_disputed that may come back. disputes_to_answer: how many disputes wait for evidence. action_required_at: the time of an attempt that waits for the payer.
"""

EFFECTIVE_STATUS = func.coalesce(fulfillments.c.later_status, fulfillments.c.status)
"""A fulfillment's status."""

changes = Table(
    "changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", TIME, server_default=func.now(), nullable=False),
    Column("event", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("invoice", Text, nullable=False),
    Column("customer", Text),
    Column("subject", Text, nullable=False),
    Column("was", Text),
    Column("became", Text, nullable=False),
    Column("cause", Text),
    Column("data", JSON, server_default=text("'{}'::jsonb"), nullable=False),
    CheckConstraint(one_of("subject", SUBJECTS), name="subject"),
    Index("ix_changes_invoice", "invoice", "position", "id"),
    Index("ix_changes_position", "position", "id"),
    Index("uq_changes_event", "event", unique=True),
)
"""Changes of invoices and of what belongs to them; rows are only added. Each is an event of the feed.

subject: what changed. cause: the event (`evt_…`) or whatever else caused it. event: its public id.
position, then id: its place in the feed (see events/feed_statements.py); 0 is before the feed.
"""

feed = Table(
    "feed",
    metadata,
    Column("id", Boolean, primary_key=True, server_default=text("true")),
    Column("base", BigInteger, server_default=text("0"), nullable=False),
    Column(
        "timeline",
        Integer,
        server_default=text("('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"),
        nullable=False,
    ),
    Column("gone_position", BigInteger, server_default=text("0"), nullable=False),
    Column("gone_change", BigInteger, server_default=text("0"), nullable=False),
    CheckConstraint("id", name="one_row"),
)
"""The number that is added to a transaction's id to make a position. One row; the number only grows.

timeline: PostgreSQL's when the base was stored; each one since adds to it (projection/change_statements.py). gone_position,
gone_change: the last change that was deleted because its retention is over.
"""

portal_links = Table(
    "portal_links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer", Text, ForeignKey("customers.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", TIME, nullable=False),
    Column("revoked_at", TIME),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Index("ix_portal_links_customer", "customer"),
)
"""Links that let a customer without an account see and pay what is theirs. Their tokens are never stored, either."""
payment_links = Table(
    "payment_links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("invoice", Text, ForeignKey("invoices.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", TIME, nullable=False),
    Column("revoked_at", TIME),
    Column("asked_at", TIME),
    Column("save_payment_method", Boolean, server_default=text("false"), nullable=False),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Column("minimum_payment", BigInteger),
    Column("payment_intent", Text),
    Column("promotion_codes", Boolean, server_default=text("false"), nullable=False),
    Column("code_attempts", Integer, server_default=text("0"), nullable=False),
    Column("return_url", Text),
    Index("ix_payment_links_invoice", "invoice"),
    Index("ix_payment_links_payment_intent", "payment_intent", postgresql_where=text("payment_intent IS NOT NULL")),
)
"""Links that let somebody without an account pay one invoice. Their tokens are made when needed and never stored.

minimum_payment: the least part that may be paid; null where only all of it may. payment_intent: the last part that was
begun with the link. return_url: where the page leads back to after paying.
"""
