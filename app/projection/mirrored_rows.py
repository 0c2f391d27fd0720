"""Rows of mirrored objects, together with the fields that only their documents hold.

In memory, a row has one key per field. In the table, fields added after the first version are only in the document,
which is made last, from the final row.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from app.db.engine import Connection
from app.db.mirrored_documents import TABLES
from app.db.rows import load, load_all, store
from app.domain.changes import invoice_status
from app.domain.json import JsonObject, JsonView, storable
from app.domain.search import vector
from app.domain.snapshot import Version
from app.domain.sources import Feed
from app.projection import item_statements
from app.stripe.mapping import FIELDS, ITEM, RETURNS, VERSIONS, Kind, Snapshot, deleted_rank, lines_digest, rank_of

FOUND_BY = ("number", "customer_name", "customer_email", "description")
"""The fields of an invoice by whose words it is found."""
COLUMNS = {kind: [one.name for one in table.c if one.identity is None] for kind, table in TABLES.items()}
"""The columns that are written. PostgreSQL numbers the rows."""


async def read(connection: Connection, kind: Kind, ids: Collection[str]) -> dict[str, JsonObject]:
    """The rows of `ids` by id; absent rows are missing. A row without a document counts as version 1."""
    return await _completed(connection, kind, await load(connection, TABLES[kind], ids))


async def read_returns(connection: Connection, invoices: Collection[str]) -> dict[Kind, dict[str, JsonObject]]:
    """The refunds, credit notes and disputes of `invoices`, by kind and id."""
    found = {}
    for kind in RETURNS:
        rows = await load_all(connection, TABLES[kind], invoices, by="invoice")
        found[kind] = await _completed(connection, kind, {row["id"]: row for row in rows})
    return found


async def _completed(connection: Connection, kind: Kind, rows: dict[str, JsonObject]) -> dict[str, JsonObject]:
    """`rows` with the fields that only their documents hold."""
    later = FIELDS[kind].later
    for row in rows.values():
        if later and row["document"]:
            row.update(FIELDS[kind].later_in(msgspec.json.decode(row["document"])))
        row["document_version"] = max(row["document_version"], 1)
    lacking = [row_id for row_id, row in rows.items() if kind is Kind.INVOICE and row["items_document"] is None]
    if lacking:
        items = await item_statements.of(connection, lacking)
        for row_id in lacking:
            rows[row_id]["items_document"] = items_document(items.get(row_id, []), version=1)
    return rows


async def write(connection: Connection, kind: Kind, rows: Sequence[JsonObject]) -> None:
    """Insert or replace `rows` with their documents."""
    await store(connection, TABLES[kind], [documented(kind, row) for row in rows])


def documented(kind: Kind, row: JsonObject) -> JsonObject:
    """The columns of `row`, with its document in the fields of its version, as far as we know them."""
    version = min(row["document_version"], VERSIONS[kind])
    if kind is Kind.INVOICE:
        row = row | {"search": vector(row.get(name) for name in FOUND_BY)}
    row = row | {"document": storable(FIELDS[kind].document(row, version)), "document_version": version}
    return {name: row.get(name) for name in COLUMNS[kind]}


def with_later_fields(kind: Kind, row: JsonObject, taken: Snapshot) -> JsonObject | None:
    """`row` with the fields its version lacks, from `taken`; None if that does not show all items of an invoice."""
    version = row["document_version"]
    found = row | {name: taken.row[name] for name in FIELDS[kind].lacking(version)}
    found |= {"document_version": VERSIONS[kind], "later_digests": taken.version.later or None}
    if kind is Kind.INVOICE and ITEM.lacking(version):
        if not taken.items_complete or lines_digest(taken.items) != row["lines_digest"]:
            return None
        found["items_document"] = items_document(taken.items)
    return found


def items_document(items: Sequence[JsonView], version: int | None = None) -> str:
    """The document of an invoice's items, in the fields of `version`, or in all."""
    return storable([ITEM.document(item, version or VERSIONS[Kind.INVOICE]) for item in items])


def completed_items(document: str) -> str:
    """An older items document with empty values for the fields it lacks, as Stripe no longer shows these items."""
    items = [{**ITEM.later, **item} for item in msgspec.json.decode(document)]
    return storable(items)


def version_of(kind: Kind, row: JsonObject) -> Version:
    rank = rank_of(kind, row)
    if row["deleted_at"]:
        rank = deleted_rank(kind)
    return Version(
        rank,
        datetime.fromisoformat(row["snapshot_since"]),
        datetime.fromisoformat(row["snapshot_until"]),
        "deleted" if row["deleted_at"] else row["snapshot_digest"],
        tuple(row["later_digests"] or ()),
        revision=row["revision"],
    )


def invoice_state(row: JsonObject) -> JsonObject:
    """The invoice's state in events, from its row."""
    return {**FIELDS[Kind.INVOICE].told(row, FIELDS[Kind.INVOICE].marked(Feed)), "status": invoice_status(row)}


def return_state(kind: Kind, row: JsonObject) -> JsonObject:
    """The state in events of a refund, credit note or dispute, from its row."""
    return FIELDS[kind].told(row, FIELDS[kind].marked(Feed))
