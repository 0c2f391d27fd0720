"""Owns the writing of the audit log for what is no operation; the answer of every operation enters it by a trigger.

Nothing here changes or removes an entry: the table refuses that.
"""

from collections.abc import Collection

from app.db.engine import Connection


async def record(
    connection: Connection, *, actor: str, action: str, subject: str | None, outcome: str, request_id: str | None = None
) -> None:
    """Add an entry, in the transaction of what it is about."""
    await connection.execute(
        "INSERT INTO audit_log (actor, action, subject, outcome, request_id) VALUES ($1, $2, $3, $4, $5)",
        actor,
        action,
        subject,
        outcome,
        request_id,
    )


async def record_each(
    connection: Connection, *, actor: str, action: str, subjects: Collection[str], request_id: str | None = None
) -> None:
    """Add an entry for each of `subjects`, to all of which the same was done, in the transaction that does it."""
    await connection.execute(
        """
        INSERT INTO audit_log (actor, action, subject, outcome, request_id)
        SELECT $1, $2, subject, 'done', $4 FROM unnest($3::text[]) AS subject
        """,
        actor,
        action,
        list(subjects),
        request_id,
    )
