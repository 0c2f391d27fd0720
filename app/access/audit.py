"""Writes audit log entries for what is not an operation.

A database trigger writes the entry of every operation when it is answered. The table refuses changes and deletions.
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
    """Add an entry in the caller's transaction.

    `detail` says how many and which, where one entry stands for many things.
    """
    await connection.execute(
        "INSERT INTO audit_log (actor, action, subject, outcome, request_id, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        actor,
        action,
        subject,
        outcome,
        request_id,
        detail,
    )
