"""Lists the invoices about which a person must do something, oldest money first, through an index of these alone."""

import msgspec

from app.db import cursors, documents
from app.db.cursors import Cursor
from app.db.engine import Connection
from app.db.resources import INVOICE
from app.domain.errors import ValidationFailed
from app.invoices import stuck_statements
from app.invoices.queries import InvoicesQuery

LISTED = "stuck invoice"


async def page(connection: Connection, asked: InvoicesQuery, own_customer: str | None) -> bytes:
    """A page of the list. Raises ValidationFailed for a cursor of another one, and for filters beside `customer`."""
    others = asked.model_fields_set - {"stuck", "customer", "limit", "cursor"}
    if others:
        other = min(others)
        raise ValidationFailed(f"{other} cannot be combined with stuck: of all filters, customer can.", param=other)
    after = cursors.unpacked(asked.cursor, LISTED) if asked.cursor else None
    found = await stuck_statements.page(
        connection, (after.at, after.id) if after else (None, ""), (asked.customer, own_customer), asked.limit + 1
    )
    shown = found[: asked.limit]
    by_id = await documents.read_all(connection, INVOICE, [row["id"] for row in shown], single=False)
    more = len(found) > len(shown)
    next_cursor = cursors.packed(Cursor(shown[-1]["stuck_since"], shown[-1]["id"], LISTED)) if more else None
    data = [msgspec.Raw(by_id[row["id"]].encode()) for row in shown if row["id"] in by_id]
    return msgspec.json.encode({"data": data, "has_more": more, "next_cursor": next_cursor})
