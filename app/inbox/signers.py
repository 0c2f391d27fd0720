"""Owns the statements that tell which signing secret verified what."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Signer:
    """A secret by its name, and the deliveries it verified in the time looked at."""

    name: str
    events: int = 0
    first: datetime | None = None
    last: datetime | None = None


async def signers(connection: Connection, within: timedelta) -> dict[str, Signer]:
    """What each secret verified `within` the last time, by name."""
    rows = await connection.fetch(
        """
        SELECT verified_by AS name, count(*) AS events, min(received_at) AS first, max(received_at) AS last
        FROM webhook_events
        WHERE verified_by IS NOT NULL AND received_at > now() - $1::interval
        GROUP BY verified_by
        """,
        within,
    )
    return {row["name"]: Signer(**row) for row in rows}


async def last_signer(connection: Connection) -> str | None:
    """The name of the secret that verified the last delivery there was."""
    name: str | None = await connection.fetchval(
        "SELECT verified_by FROM webhook_events WHERE verified_by IS NOT NULL ORDER BY received_at DESC, id DESC LIMIT 1"
    )
    return name
