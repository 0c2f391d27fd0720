"""Owns the tables of what is done when a fulfillment gets somewhere: the actions, and which of them there are."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, desc, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.mapped import Model, one_of
from app.domain.actions import ENDED, WAITING, ActionStatus, Moment

DUE = (*WAITING, ActionStatus.RUNNING)


class FulfillmentAction(Model):
    """One action for one moment of one fulfillment. The row is the job, and the proof that there is no second one.

    lost: how often its worker died over it. Nothing here says whom it is for: that is read when it is done.
    """

    __tablename__ = "fulfillment_actions"

    id: Mapped[str] = mapped_column(primary_key=True)
    fulfillment: Mapped[str] = mapped_column(ForeignKey("fulfillments.id", ondelete="RESTRICT"))
    invoice: Mapped[str]
    action: Mapped[str]
    moment: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lost: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    reason: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_fulfillment_actions_once", "fulfillment", "action", "moment", unique=True),
        CheckConstraint(one_of("moment", Moment), name="moment"),
        CheckConstraint(one_of("status", ActionStatus), name="status"),
        CheckConstraint("attempts >= 0 AND lost >= 0", name="attempts_not_negative"),
        CheckConstraint(f"({one_of('status', DUE)}) = (next_attempt_at IS NOT NULL)", name="due_has_time"),
        CheckConstraint(f"({one_of('status', ENDED)}) = (finished_at IS NOT NULL)", name="ended_has_time"),
        Index(
            "ix_fulfillment_actions_due",
            "action",
            "next_attempt_at",
            postgresql_where=text(one_of("status", WAITING)),
        ),
        Index(
            "ix_fulfillment_actions_leased", "action", "next_attempt_at", postgresql_where=text("status = 'running'")
        ),
        Index("ix_fulfillment_actions_newest", desc("created_at"), desc("id")),
        Index("ix_fulfillment_actions_invoice", "invoice"),
        Index("ix_fulfillment_actions_dead", desc("created_at"), desc("id"), postgresql_where=text("status = 'dead'")),
    )


class ConfiguredAction(Model):
    """An action that the workers do: for these, and from `since` on, rows are made. The workers say so as they start."""

    __tablename__ = "configured_actions"

    action: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(server_default=func.now())
