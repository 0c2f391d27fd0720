"""The statement that names customers and invoices."""

from collections.abc import Collection

from sqlalchemy import Text, func, select

from app.db.engine import Connection
from app.db.schema import customers, invoices
from app.db.statement import Statement, any_of

_C, _I = customers.c, invoices.c
_NAMES = Statement(
    select(_C.id, func.coalesce(func.nullif(_C.name, ""), _C.email).label("name"))
    .where(_C.id == any_of("ids", Text))
    .union_all(select(_I.id, _I.number).where(_I.id == any_of("ids", Text)))
)


async def names(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """The names (or emails) of the customers among `ids`, and the numbers of the invoices. Some have none."""
    return {row["id"]: row["name"] for row in await _NAMES.fetch(connection, ids=list(ids)) if row["name"]}
