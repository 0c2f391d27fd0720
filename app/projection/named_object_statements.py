"""The SQL statements about what invoices name by id alone: which of it is unknown here, and discounts that were looked up."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import JSON, Select, Table, Text, bindparam, column, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.db.engine import Connection
from app.db.schema import customers, invoice_discounts, tax_ids, tax_rates, tombstones
from app.db.statement import Statement
from app.domain.json import JsonObject
from app.stripe.mapping import Kind

_IDS = func.unnest(bindparam("ids", type_=ARRAY(Text))).table_valued(column("id", Text)).render_derived(name="named")


def _unknown(table: Table) -> Select[Any]:
    known, gone = exists().where(table.c.id == _IDS.c.id), exists().where(tombstones.c.id == _IDS.c.id)
    return select(_IDS.c.id).where(~known, ~gone)


UNKNOWN = {
    Kind.CUSTOMER: Statement(_unknown(customers)),
    Kind.TAX_RATE: Statement(_unknown(tax_rates)),
    Kind.TAX_ID: Statement(_unknown(tax_ids)),
    Kind.INVOICE: Statement(_unknown(invoice_discounts)),
}
"""By kind: of an invoice, its discounts."""
_COLUMNS = [column(one.name, one.type) for one in invoice_discounts.c]
_KEEP = Statement(
    insert(invoice_discounts)
    .from_select(
        [one.name for one in _COLUMNS],
        select(
            func.json_to_recordset(bindparam("rows", type_=JSON))
            .table_valued(*_COLUMNS)
            .render_derived(name="given", with_types=True)
        ),
    )
    .on_conflict_do_nothing(index_elements=[invoice_discounts.c.id])
)


async def unknown(connection: Connection, kind: Kind, ids: Collection[str]) -> list[str]:
    """Those of `ids` that are neither known nor deleted: ids of `kind`, or of an invoice's discounts."""
    return await UNKNOWN[kind].column(connection, ids=list(ids)) if ids else []


async def keep_discounts(connection: Connection, rows: Sequence[JsonObject]) -> None:
    """Record which coupons discounts come of. That of a discount never changes."""
    if rows:
        await _KEEP.execute(connection, rows=list(rows))
