"""Invoices as CSV. They are read page by page, each by a statement of its own, so that memory and locks stay small."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import msgspec

from app.db import documents
from app.db.engine import Database
from app.db.resources import INVOICE
from app.domain.json import JsonView
from app.domain.money import major

CSV = "text/csv; charset=utf-8"
HEADERS = {"Content-Disposition": 'attachment; filename="invoices.csv"', "Cache-Control": "no-store"}
MOST_ROWS = 100_000
PAGE = 200
TEXTS = (
    "id", "number", "status", "customer", "customer_name", "customer_email", "reference", "collection_method",
    "currency",
)  # fmt: skip
AMOUNTS = (
    "subtotal", "total", "total_excluding_tax", "amount_shipping", "amount_due", "amount_paid", "amount_remaining",
    "pre_payment_credit_notes_amount", "post_payment_credit_notes_amount",
)  # fmt: skip
LATER = ("description", "payment_intent", "settled_by", "created_at", "finalized_at", "due_at", "paid_at", "voided_at", "marked_uncollectible_at")  # fmt: skip
COLUMNS = (*TEXTS, *(each for name in AMOUNTS for each in (name, f"{name}_decimal")), *LATER, "fulfillment_status")
CUT_OFF = "CUT OFF: more than {} invoices match. Ask for fewer, for example by created_from and created_to."
FORMULA = re.compile(r"(^|[;\t\r\n])(?=[^\S\t\r\n]*+[=+@\uff1d\uff0b\uff0d\uff20-])|^(?=[\t\r\n])")
"""Where spreadsheets see the beginning of a formula; some begin cells at semicolons, tabs and lines, and take wide signs, too."""


async def lines(database: Database, wanted: Mapping[str, object], *, most: int = MOST_ROWS) -> AsyncIterator[str]:
    """The CSV of the invoices that match `wanted` (see documents.page): the head, then a text for each page of them.

    After `most` rows a last line says that it was cut off. Raises what documents.page raises, before the first text.
    """
    cursor, written = None, 0
    head: list[Iterable[object]] = [COLUMNS]
    while True:
        async with database.connection() as connection:
            page = await documents.page(connection, INVOICE, wanted, limit=min(PAGE, most - written), cursor=cursor)
        found = msgspec.json.decode(page)
        written += len(found["data"])
        yield _text([*head, *(row(invoice) for invoice in found["data"])])
        head, cursor = [], found["next_cursor"]
        if cursor is None:
            return
        if written >= most:
            yield _text([[CUT_OFF.format(most)]])
            return


async def begun(first: str, others: AsyncIterator[str]) -> AsyncIterator[str]:
    """The texts of a file whose first one was read already, so that a refusal came before the answer began."""
    yield first
    async for text in others:
        yield text


def row(invoice: JsonView) -> list[object]:
    """The cells of one invoice: amounts in the minor unit and as decimals of the currency."""
    amounts = [cell for name in AMOUNTS for cell in _amount(invoice[name], invoice["currency"])]
    fulfillment = invoice["fulfillment"]
    return [
        *(harmless(invoice[name]) for name in TEXTS), *amounts, *(harmless(invoice[name]) for name in LATER),
        fulfillment["status"] if fulfillment else "",
    ]  # fmt: skip


def harmless(value: Any) -> str:
    """A text that no spreadsheet runs as a formula: it is given an apostrophe in front of what looks like one."""
    return FORMULA.sub(r"\1'", "" if value is None else str(value))


def _amount(amount: int | None, currency: str) -> tuple[object, str]:
    return ("", "") if amount is None else (amount, major(amount, currency))


def _text(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
