"""Statements about which signing secret verified which deliveries."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Interval, bindparam, func, select

from app.db.engine import Connection
from app.db.schema import webhook_events
from app.db.statement import Statement


@dataclass(frozen=True, slots=True)
class Signer:
    """A secret by its name, and the deliveries it verified in the time looked at."""

    name: str
    events: int = 0
    first: datetime | None = None
    last: datetime | None = None


_C = webhook_events.c
_SIGNERS = Statement(
    select(
        _C.verified_by.label("name"),
        func.count().label("events"),
        func.min(_C.received_at).label("first"),
        func.max(_C.received_at).label("last"),
    )
    .where(_C.verified_by.is_not(None), _C.received_at > func.now() - bindparam("within", type_=Interval))
    .group_by(_C.verified_by)
)
_LAST_SIGNER = Statement(
    select(_C.verified_by).where(_C.verified_by.is_not(None)).order_by(_C.received_at.desc(), _C.id.desc()).limit(1)
)


async def signers(connection: Connection, within: timedelta) -> dict[str, Signer]:
    """What each secret verified `within` the last time, by name."""
    return {found.name: found for found in await _SIGNERS.rows(connection, Signer, within=within)}


async def last_signer(connection: Connection) -> str | None:
    """The name of the secret that verified the last delivery."""
    name: str | None = await _LAST_SIGNER.value(connection)
    return name
