"""Writes audit log entries for what is not an operation.

A database trigger writes the entry of every operation when it is answered. The table refuses changes and deletions.
"""

from sqlalchemy import insert

from app.db.engine import Connection
from app.db.schema import audit_log
from app.db.statement import Statement, parameters

_RECORD = Statement(
    insert(audit_log).inline().values(parameters("actor", "action", "subject", "outcome", "request_id", "detail"))
)


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
    """Add an entry in the caller's transaction. `detail` says how many and which, if one stands for many."""
    await _RECORD.execute(
        connection, actor=actor, action=action, subject=subject, outcome=outcome, request_id=request_id, detail=detail
    )
