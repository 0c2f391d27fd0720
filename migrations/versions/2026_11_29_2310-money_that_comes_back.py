"""A fulfillment follows the money that comes back, waits for the payer to act, keeps its history and its policy.

The release before does not know the statuses `action_required`, `disputed` and `reversed`. They stand in `later_status`,
beside a status that it knows; where it changes that, a trigger empties `later_status`. Neither does it know the new
moments of actions: a trigger has it find nothing where it would claim one. Both triggers go with a later release.

Revision: 6a40c7d1e95b
Follows: 5c1f7e92d4a8
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "6a40c7d1e95b"
down_revision = "5c1f7e92d4a8"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(none_as_null=True)
TEXTS = ("later_status", "required_action")
AMOUNTS = ("amount_refunded", "amount_credited", "amount_disputed", "amount_undecided")
DOCUMENTS = ("payment_attempts", "history", "policy")
LATER_STATUS = (
    "later_status IS NULL OR (status = 'awaiting_payment' AND later_status = 'action_required') OR "
    "(status = 'fulfilled' AND later_status = 'disputed') OR (status = 'fulfilled' AND later_status = 'reversed')"
)
MOMENTS = (
    "split_part(moment, ':', 1) IN ('processing', 'fulfilled', 'action_required', 'disputed', 'partly_reversed', "
    "'reversed', 'reinstated')"
)
CHECKS = {
    ("fulfillments", "later_status"): (
        LATER_STATUS,
        None,
    ),
    ("fulfillments", "returns_not_negative"): (
        "amount_refunded >= 0 AND amount_credited >= 0 AND amount_undecided >= 0 AND amount_disputed >= amount_undecided",
        None,
    ),
    ("fulfillment_actions", "moment"): (
        MOMENTS,
        "moment IN ('processing', 'fulfilled')",
    ),
    ("changes", "subject"): (
        "subject IN ('invoice', 'fulfillment', 'payment', 'refund', 'credit_note', 'dispute')",
        "subject IN ('invoice', 'fulfillment')",
    ),
}
"""The conditions after and before, by table and name."""

TRIGGERS = (
    """
    CREATE OR REPLACE FUNCTION forget_later_status() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.later_status := NULL;
        RETURN NEW;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER later_status_follows BEFORE UPDATE ON fulfillments FOR EACH ROW
    WHEN (NEW.later_status = OLD.later_status AND NEW.status <> OLD.status)
    EXECUTE FUNCTION forget_later_status()
    """,
    """
    CREATE OR REPLACE FUNCTION keep_later_moment() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RETURN NULL;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER later_moment_kept BEFORE UPDATE ON fulfillment_actions FOR EACH ROW
    WHEN (NEW.lease <> OLD.lease AND NEW.later_lease IS DISTINCT FROM NEW.lease
        AND NEW.moment NOT IN ('processing', 'fulfilled'))
    EXECUTE FUNCTION keep_later_moment()
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    added: list[sa.Column[Any]] = [sa.Column(name, sa.Text(), nullable=True) for name in TEXTS]
    added += [sa.Column("action_required_at", sa.TIMESTAMP(timezone=True), nullable=True)]
    added += [sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False) for name in AMOUNTS]
    added += [sa.Column(name, JSON, nullable=True) for name in DOCUMENTS]
    for column in added:
        op.add_column("fulfillments", column, if_not_exists=True)
    op.add_column("fulfillment_actions", sa.Column("later_lease", sa.Integer(), nullable=True), if_not_exists=True)
    op.create_table(
        "fulfillment_policy",
        sa.Column("id", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("policy", JSON, nullable=False),
        sa.Column("since", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fulfillment_policy"),
        sa.CheckConstraint("id", name="ck_fulfillment_policy_one_row"),
        if_not_exists=True,
    )
    for (table, name), (condition, _) in CHECKS.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, if_exists=True)
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition, postgresql_not_valid=True)
    for trigger in TRIGGERS:
        op.execute(trigger)
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '3s'")
        for table, name in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")
        index = "ix_fulfillments_effective_status_newest"
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {index} ON fulfillments "
            "(coalesce(later_status, status), created_at DESC, id DESC)"
        )
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("DROP TRIGGER later_moment_kept ON fulfillment_actions")
    op.execute("DROP FUNCTION keep_later_moment")
    op.execute("DROP TRIGGER later_status_follows ON fulfillments")
    op.execute("DROP FUNCTION forget_later_status")
    op.execute("DELETE FROM fulfillment_actions WHERE moment NOT IN ('processing', 'fulfilled')")
    op.execute("DELETE FROM changes WHERE subject NOT IN ('invoice', 'fulfillment')")
    for (table, name), (_, before) in CHECKS.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        if before:
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, before)
    op.drop_table("fulfillment_policy")
    op.drop_column("fulfillment_actions", "later_lease")
    op.drop_index("ix_fulfillments_effective_status_newest", "fulfillments")
    for name in (*DOCUMENTS, *AMOUNTS, "action_required_at", *TEXTS):
        op.drop_column("fulfillments", name)
