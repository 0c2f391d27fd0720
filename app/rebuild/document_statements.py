"""The SQL statements that renew documents: from columns, from stored events; and their progress."""

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

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
    """Make the documents of up to `most` rows of `kind` that hold none, from their columns. Returns how many.

    Locked rows are skipped. The rows are locked by a statement of their own, because the one that makes the documents
    must see everything committed until then, items included. Call it in a transaction.
    """
    ids = [row[0] for row in await connection.fetch(_take(kind), most)]
    if ids:
        await connection.execute(_fill(kind), ids)
    return len(ids)


class Place(NamedTuple):
    """How far the rows of a kind are done, and how many were derived and fetched."""

    after: str = ""
    derived: int = 0
    fetched: int = 0
    finished: bool = False


async def place(connection: Connection, kind: Kind, version: int) -> Place:
    """How far the documents of `kind` are renewed for `version`."""
    row = await connection.fetchrow(
        "SELECT after, derived, fetched, finished FROM document_rebuilds WHERE kind = $1 AND version = $2",
        kind.value,
        version,
    )
    return Place(*row) if row else Place()


async def note(connection: Connection, kind: Kind, version: int, at: Place) -> None:
    """Record the progress."""
    await connection.execute(
        """
        INSERT INTO document_rebuilds (kind, version, after, derived, fetched, finished) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (kind) DO UPDATE SET version = EXCLUDED.version, after = EXCLUDED.after,
            derived = EXCLUDED.derived, fetched = EXCLUDED.fetched, finished = EXCLUDED.finished, updated_at = now()
        """,
        kind.value,
        version,
        *at,
    )


async def older(connection: Connection, kind: Kind, version: int, after: str, most: int) -> tuple[list[str], list[str]]:
    """The next `most` ids after `after`, and those of them whose documents are older than `version`."""
    rows = await connection.fetch(
        f"""
        SELECT id, document_version < $2 AND deleted_at IS NULL AS older FROM {TABLES[kind].name}
        WHERE id > $1 ORDER BY id LIMIT $3
        """,  # noqa: S608 -- names come from tables.py
        after,
        version,
        most,
    )
    return [row["id"] for row in rows], [row["id"] for row in rows if row["older"]]


async def newest_events(
    connection: Connection, objects: Collection[str], types: Collection[str], api_version: str
) -> dict[str, str]:
    """For each of `objects`, the payload of its newest applied event of `types` in `api_version`."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (object_id) object_id, payload FROM webhook_events
        WHERE object_id = ANY($1::text[]) AND type = ANY($2::text[]) AND api_version = $3 AND processed_at IS NOT NULL
        ORDER BY object_id, created_at DESC, received_at DESC
        """,
        list(objects),
        list(types),
        api_version,
    )
    return {row["object_id"]: row["payload"] for row in rows}


async def invoices_of_erased(connection: Connection, after: str, most: int) -> list[str]:
    """The next `most` ids after `after` of invoices whose customer is erased."""
    rows = await connection.fetch(
        """
        SELECT invoice.id FROM customers customer JOIN invoices invoice ON invoice.customer = customer.id
        WHERE customer.deleted_at IS NOT NULL AND invoice.id > $1 ORDER BY invoice.id LIMIT $2
        """,
        after,
        most,
    )
    return [row[0] for row in rows]
