"""The advisory lock that makes one process the housekeeper."""

from app.db.engine import Connection

HOUSEKEEPING = 7_410_001
"""The number of the advisory lock; nothing else in this database uses it."""


async def lead(connection: Connection) -> bool:
    """Whether this connection has the lock. It keeps the lock for as long as it lives."""
    found: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", HOUSEKEEPING)
    return found
