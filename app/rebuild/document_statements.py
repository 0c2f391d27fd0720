"""The SQL statements that renew documents: from columns, from stored events; and their progress."""

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, and_, bindparam, cast, func, select, update

from app.db.engine import Connection
from app.db.mirrored_documents import ITEMS, TABLES, made
from app.db.schema import customers
from app.db.statement import Statement, any_of
from app.stripe.mapping import FIELDS, Kind


@cache
def take_statement(kind: Kind) -> Statement:
    """Locks the rows of `kind` that hold no document."""
    row = TABLES[kind].c
    lacking = select(row.id).where(row.document_version == 0).order_by(row.id)
    return Statement(lacking.limit(bindparam("most", type_=BigInteger)).with_for_update(skip_locked=True))


@cache
def fill_statement(kind: Kind) -> Statement:
    """Makes the documents of the rows among `ids` from their columns."""
    table = TABLES[kind]
    shown = select(*made(table, FIELDS[kind], version=1)).correlate(table).subquery("shown")
    document = select(cast(func.row_to_json(shown.table_valued()), Text)).scalar_subquery()
    items = {"items_document": cast(ITEMS, Text)} if kind is Kind.INVOICE else {}
    filled = update(table).values(document_version=1, document=document, **items)
    return Statement(filled.where(table.c.id == any_of("ids", Text)))


@cache
def older_statement(kind: Kind) -> Statement:
    """Selects the next rows after the id `after`, and whether their documents are older than `version`."""
    row = TABLES[kind].c
    older = and_(row.document_version < bindparam("version"), row.deleted_at.is_(None))
    following = select(row.id, older.label("older")).where(row.id > bindparam("after")).order_by(row.id)
    return Statement(following.limit(bindparam("most", type_=BigInteger)))


async def fill(connection: Connection, kind: Kind, most: int) -> int:
    """Make the documents of up to `most` rows of `kind` that hold none, from their columns. Returns how many.

    Locked rows are skipped. The rows are locked by a statement of their own, because the one that makes the documents
    must see everything committed until then, items included. Call it in a transaction.
    """
    ids = await take_statement(kind).column(connection, most=most)
    if ids:
        await fill_statement(kind).execute(connection, ids=ids)
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
    rows = await older_statement(kind).fetch(connection, version=version, after=after, most=most)
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


@cache
def erased_statement(kind: Kind) -> Statement:
    """Selects the next ids after `after` of the rows of `kind` whose customer is erased."""
    row = TABLES[kind].c
    erased = select(row.id).join(customers, customers.c.id == row.customer).where(customers.c.deleted_at.is_not(None))
    return Statement(
        erased.where(row.id > bindparam("after")).order_by(row.id).limit(bindparam("most", type_=BigInteger))
    )


async def of_erased(connection: Connection, kind: Kind, after: str, most: int) -> list[str]:
    """The next `most` ids after `after` of the rows of `kind` whose customer is erased."""
    return await erased_statement(kind).column(connection, after=after, most=most)
