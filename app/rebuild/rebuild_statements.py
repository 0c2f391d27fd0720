"""The SQL statements of a rebuild: an empty projection beside the live one, and how the two differ.

The projection consists of temporary tables of one connection. They have the live tables' names and come first in its
search path, so the same code writes them. They vanish with the connection.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

import msgspec
import sqlalchemy
from sqlalchemy import ColumnElement, Table, bindparam, case, cast, column, exists, false, func, not_, select
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.sql.selectable import NamedFromClause

from app.db.engine import Connection
from app.db.schema import (
    coupons,
    credit_notes,
    customers,
    disputes,
    fulfillments,
    invoice_items,
    invoices,
    payment_methods,
    prices,
    products,
    promotion_codes,
    refunds,
    tax_ids,
    tax_rates,
)
from app.db.schema.metadata import TIME
from app.db.statement import Statement, identifiers
from app.domain.json import JsonObject
from app.projection.item_statements import invoices_of

COMPARED = (
    products, prices, customers, tax_rates, tax_ids, coupons, promotion_codes, invoices, invoice_items, refunds, credit_notes,
    disputes, payment_methods, fulfillments,
)  # fmt: skip
"""The compared tables, parents first."""

BESIDE = (
    "reference_claims", "invoice_payments", "invoice_discounts", "tombstones", "setup_intents", "changes",
    "configured_actions", "fulfillment_actions", "fulfillment_policy", "reminders", "webhook_events", "operations",
    "audit_log",
)  # fmt: skip
"""Further tables that the code writes (an erasure touches many). They are temporary, too.

`configured_actions` stays empty, so that nothing is done again that is only rebuilt.
"""

OUR_OWN = (
    "updated_at", "deleted_at", "snapshot_since", "snapshot_until", "snapshot_digest", "lines_digest", "revision",
    "fulfilled_at", "attempt", "attempt_at", "failure_at", "action_required_at", "payment_attempts", "history",
    "policy", "document", "items_document", "document_version", "later_digests", "sequence", "reminded_until",
    "next_step", "stuck_since",
)  # fmt: skip
"""Columns that say when and how something came here, not what it is."""

Side: TypeAlias = NamedFromClause[Any]

CREATE = "CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL)"

NOT_COMPARED = ("updated_at", "payment_intent")
"""Fields of documents that are ours, or that answers to our own calls may set before any event does."""

BATCH = 200
PATIENCE_S = 600.0
"""Seconds that the comparison of two whole tables may take."""


async def open_projection(connection: Connection) -> None:
    for name in (*(table.name for table in COMPARED), *BESIDE):
        await connection.execute(CREATE.format(**identifiers(table=name)))


async def events(connection: Connection) -> AsyncIterator[list[tuple[str, str]]]:
    """The applied events as (type, payload), in the order in which they were received."""
    last = (datetime.fromtimestamp(0).astimezone(), "")
    while True:
        rows = await connection.fetch(
            """
            SELECT type, payload, received_at, id FROM public.webhook_events
            WHERE processed_at IS NOT NULL AND (received_at, id) > ($1, $2) ORDER BY received_at, id LIMIT $3
            """,
            *last,
            BATCH,
        )
        if not rows:
            return
        yield [(row["type"], row["payload"]) for row in rows]
        last = (rows[-1]["received_at"], rows[-1]["id"])


async def invoice_of(connection: Connection, payment_intent: str) -> str | None:
    """The id of the invoice that a PaymentIntent pays, as far as the rebuilt projection knows."""
    return next(iter((await invoices_of(connection, [payment_intent])).values()), None)


async def differences(
    connection: Connection, table: Table, before: datetime
) -> list[tuple[str, JsonObject | None, JsonObject | None]]:
    """The rows that differ, as (key, live, rebuilt), without live rows that changed since `before`."""
    rows = await connection.fetch(differences_statement(table).text, before, timeout=PATIENCE_S)
    decoded = ((row["key"], _decoded(row["live"]), _decoded(row["rebuilt"])) for row in rows)
    return [(found, live, rebuilt) for found, live, rebuilt in decoded if live != rebuilt]


@cache
def differences_statement(table: Table) -> Statement:
    """Selects `key`, `live` and `rebuilt` of all rows, but those that changed here since `before`."""
    (key,) = table.primary_key
    live, rebuilt = (
        sqlalchemy.table(table.name, *(column(one.name, one.type) for one in table.c), schema=place).alias(side)
        for side, place in (("live", "public"), ("rebuilt", "pg_temp"))
    )
    before = bindparam("before", type_=TIME)
    if table is not invoice_items:
        fresh = live.c.updated_at >= before
    else:  # they change with their invoice
        owner = sqlalchemy.table("invoices", column("id"), column("updated_at", TIME), schema="public").alias("owner")
        owned = owner.c.id == func.coalesce(live.c.invoice, rebuilt.c.invoice)
        fresh = exists().where(owned, owner.c.updated_at >= before)
    own = [*OUR_OWN, "created_at"] if table is fulfillments else OUR_OWN
    return Statement(
        select(
            func.coalesce(live.c[key.name], rebuilt.c[key.name]).label("key"),
            *(
                case((side.c[key.name].is_not(None), _compared(side, own, live, rebuilt))).label(side.name)
                for side in (live, rebuilt)
            ),
        )
        .select_from(live.join(rebuilt, live.c[key.name] == rebuilt.c[key.name], full=True))
        .where(not_(func.coalesce(fresh, false())))
    )


def _compared(side: Side, own: Sequence[str], live: Side, rebuilt: Side) -> ColumnElement[Any]:
    """What is compared of the row `side`: columns but `own`, and documents if the live row has a current one."""

    def document(name: str) -> ColumnElement[Any]:
        older = live.c.document_version < rebuilt.c.document_version
        kept = case((older, rebuilt.c[name]), else_=live.c[name]) if side is live else rebuilt.c[name]
        return cast(kept, JSONB)

    compared = func.to_jsonb(side.table_valued()).op("-")(array(own))
    if "document" not in side.c:
        return compared
    beside = ["deleted", side.c.deleted_at.is_not(None), "document", document("document").op("-")(array(NOT_COMPARED))]
    if "items_document" in side.c:
        beside += ["items", document("items_document")]
    return compared.op("||")(func.jsonb_build_object(*beside))


def _decoded(text: str | None) -> JsonObject | None:
    return msgspec.json.decode(text) if text else None
