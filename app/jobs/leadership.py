"""Owns the lock that makes one process of many the one that keeps house."""

from app.db.engine import Connection

HOUSEKEEPING = 7_410_001
"""The advisory lock's number; nothing else in this database uses it."""


async def lead(connection: Connection) -> bool:
    """Whether this connection's process is the housekeeper; it stays that for as long as the connection lives."""
    found: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", HOUSEKEEPING)
    return found
