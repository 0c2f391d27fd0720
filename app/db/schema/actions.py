"""The tables of fulfillment actions: the actions of each fulfillment, and the configured ones."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, desc, func, text

from app.db.schema.metadata import JSON, TIME, metadata, one_of
from app.domain.actions import ENDED, WAITING, ActionStatus, Moment
from app.domain.reminders import REMINDED

DUE = (*WAITING, ActionStatus.RUNNING)

fulfillment_actions = Table(
    "fulfillment_actions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("fulfillment", Text, ForeignKey("fulfillments.id", ondelete="RESTRICT"), nullable=False),
    Column("invoice", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("moment", Text, nullable=False),
    Column("status", Text, server_default=text("'pending'"), nullable=False),
    Column("attempts", Integer, server_default=text("0"), nullable=False),
    Column("lease", Integer, server_default=text("0"), nullable=False),
    Column("lost", Integer, server_default=text("0"), nullable=False),
    Column("reason", Text),
    Column("next_attempt_at", TIME, server_default=func.now()),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Column("finished_at", TIME),
    Column("later_lease", Integer),
    Index("uq_fulfillment_actions_once", "fulfillment", "action", "moment", unique=True),
    CheckConstraint(one_of("split_part(moment, ':', 1)", Moment), name="moment"),
    CheckConstraint(one_of("status", ActionStatus), name="status"),
    CheckConstraint("attempts >= 0 AND lost >= 0", name="attempts_not_negative"),
    CheckConstraint(f"({one_of('status', DUE)}) = (next_attempt_at IS NOT NULL)", name="due_has_time"),
    CheckConstraint(f"({one_of('status', ENDED)}) = (finished_at IS NOT NULL)", name="ended_has_time"),
    Index("ix_fulfillment_actions_due", "action", "next_attempt_at", postgresql_where=text(one_of("status", WAITING))),
    Index("ix_fulfillment_actions_leased", "action", "next_attempt_at", postgresql_where=text("status = 'running'")),
    Index("ix_fulfillment_actions_newest", desc("created_at"), desc("id")),
    Index("ix_fulfillment_actions_invoice", "invoice"),
    Index("ix_fulfillment_actions_dead", desc("created_at"), desc("id"), postgresql_where=text("status = 'dead'")),
)
"""One action for one occasion of one fulfillment. The row is the job, and makes the action unique.

moment: the occasion (see domain/actions.py). lease: how often it was claimed in all. later_lease: the same number, set
only by releases that know all moments; a trigger ignores claims of older releases for moments that they do not know.
lost: how often its worker died running it. The row does not hold the receiver, who is looked up when the action runs.
"""

configured_actions = Table(
    "configured_actions",
    metadata,
    Column("action", Text, primary_key=True),
    Column("since", TIME, server_default=func.now(), nullable=False),
)
"""The actions that the workers can run. Rows are made for these, from `since` on. Workers register them at start."""

reminders = Table(
    "reminders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("invoice", Text, ForeignKey("invoices.id", ondelete="RESTRICT"), nullable=False),
    Column("type", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("channel", Text),
    Column("created_at", TIME, server_default=func.now(), nullable=False),
    Index("uq_reminders_once", "invoice", "type", "day", unique=True),
    Index("ix_reminders_newest", desc("created_at"), desc("id")),
    CheckConstraint(f"(type = '{REMINDED}') = (channel IS NOT NULL)", name="reminder_has_channel"),
)
"""What was told of an invoice's due date, once each: the row is written with the event of the feed.

type: the event. day, channel: of a reminder, for which day and how (see domain/reminders.py).
"""

fulfillment_policy = Table(
    "fulfillment_policy",
    metadata,
    Column("id", Boolean, primary_key=True, server_default=text("true")),
    Column("policy", JSON, nullable=False),
    Column("since", TIME, server_default=func.now(), nullable=False),
    CheckConstraint("id", name="one_row"),
)
"""The policy of fulfillments made from `since` on (see domain/policy.py). Workers register it at start. At most one row."""
