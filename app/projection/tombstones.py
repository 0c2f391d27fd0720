"""Tombstones: objects that are gone at Stripe and were never seen here."""

from collections.abc import Collection

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.db.engine import Connection
from app.db.schema import tombstones
from app.db.statement import Statement, any_of

_AMONG = Statement(select(tombstones.c.id).where(tombstones.c.id == any_of("ids", Text)))
_BURY = Statement(
    insert(tombstones)
    .from_select(["id"], select(func.unnest(bindparam("ids", type_=ARRAY(Text)))))
    .on_conflict_do_nothing(index_elements=[tombstones.c.id])
)


async def among(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of `ids` that are known to be gone."""
    return set(await _AMONG.column(connection, ids=list(ids))) if ids else set()


async def bury(connection: Connection, ids: Collection[str]) -> None:
    if ids:
        await _BURY.execute(connection, ids=sorted(ids))
