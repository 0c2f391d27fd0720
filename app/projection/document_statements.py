"""The statements that make documents of columns, for the rows that hold none."""

from functools import cache

from app.db import mirrored_documents as mirrored
from app.db.engine import Connection
from app.projection.mirrored_rows import TABLES
from app.stripe.mapping import Kind

COLUMNS = {
    Kind.PRODUCT: mirrored.PRODUCT,
    Kind.PRICE: mirrored.PRICE,
    Kind.CUSTOMER: mirrored.CUSTOMER,
    Kind.INVOICE: mirrored.INVOICE,
}


@cache
def _take(kind: Kind) -> str:
    return (
        f"SELECT id FROM {TABLES[kind].name} WHERE document_version = 0 "  # noqa: S608 -- names come from tables.py
        "ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED"
    )


@cache
def _fill(kind: Kind) -> str:
    items = f", items_document = {mirrored.ITEMS}::text" if kind is Kind.INVOICE else ""
    return (
        f"UPDATE {TABLES[kind].name} row SET document_version = 1, document = "  # noqa: S608 -- as above
        f"(SELECT row_to_json(d)::text FROM (SELECT {COLUMNS[kind]}) d){items} WHERE id = ANY($1::text[])"
    )


async def fill(connection: Connection, kind: Kind, most: int) -> int:
    """Give up to `most` rows of `kind` that hold no document the one that their columns make; how many it were.

    Rows that somebody else is writing are passed over. They are locked by a statement of their own, because the one that
    makes the documents must see what was committed until then, items included. Call it in a transaction.
    """
    ids = [row[0] for row in await connection.fetch(_take(kind), most)]
    if ids:
        await connection.execute(_fill(kind), ids)
    return len(ids)
