"""A mirrored row holds what the API answers of it; where the code before changes the row, the document goes."""

import pytest

from tests.fixtures.stage import Stage

SET = "UPDATE {table} SET document = '{{}}', document_version = 1, later_digests = '{{a}}' {more}"
CHANGED = {
    "products": "active = NOT active",
    "prices": "active = NOT active",
    "customers": "phone = concat(phone, '1')",
    "invoices": "amount_paid = amount_paid + 1",
}


async def mirrored(stage: Stage) -> None:
    product = await stage.dashboard("products", name="Consulting")
    await stage.dashboard("prices", product=product["id"], currency="usd", unit_amount="1200")
    await stage.invoice()
    await stage.tell(*await stage.events())


async def of(stage: Stage, table: str) -> tuple[object, ...]:
    [row] = await stage.rows(f"SELECT document, document_version, later_digests FROM {table} LIMIT 1")  # noqa: S608
    return tuple(row.values())


@pytest.mark.parametrize("table", CHANGED)
async def test_a_document_goes_where_only_its_columns_change(stage: Stage, table: str) -> None:
    await mirrored(stage)
    more = ", items_document = '[]'" if table == "invoices" else ""
    await stage.rows(SET.format(table=table, more=more))
    await stage.rows(f"UPDATE {table} SET revision = revision + 1, snapshot_until = now()")  # noqa: S608
    assert await of(stage, table) == ("{}", 1, ["a"])
    await stage.rows(f"UPDATE {table} SET {CHANGED[table]}, document = '{{\"a\":1}}'")  # noqa: S608
    assert await of(stage, table) == ('{"a":1}', 1, ["a"])
    await stage.rows(f"UPDATE {table} SET {CHANGED[table]}")  # noqa: S608
    assert await of(stage, table) == (None, 0, None)


async def test_the_items_go_with_the_document_of_their_invoice(stage: Stage) -> None:
    await mirrored(stage)
    await stage.rows(SET.format(table="invoices", more=", items_document = '[]'"))
    await stage.rows("UPDATE invoices SET items_document = '[1]', lines_digest = 'other'")
    assert await of(stage, "invoices") == ("{}", 1, ["a"])
    await stage.rows("UPDATE invoices SET lines_digest = 'another'")
    [row] = await stage.rows("SELECT document, items_document FROM invoices")
    assert tuple(row.values()) == (None, None)
