"""Owns the writing of the audit log for what is no operation; the answer of every operation enters it by a trigger.

Nothing here changes or removes an entry: the table refuses that.
"""

from app.db.engine import Connection


async def record(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str | None,
    outcome: str,
    request_id: str | None = None,
    detail: str | None = None,
) -> None:
    """Add an entry, in the transaction of what it is about; `detail` says of how many, where it stands for many."""
    await connection.execute(
        "INSERT INTO audit_log (actor, action, subject, outcome, request_id, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        actor,
        action,
        subject,
        outcome,
        request_id,
        detail,
    )
