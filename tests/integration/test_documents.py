"""A mirrored row holds what the API answers of it; where the code before changes the row, the document goes."""

import msgspec
import pytest

from app.db import documents
from app.projection.documents import fill
from tests.fixtures.stage import Stage
from tests.lab.truth import documents_must_hold

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


async def holds(stage: Stage) -> None:
    async with stage.parts.database.connection() as connection:
        await documents_must_hold(connection)  # type: ignore[arg-type]


async def test_a_document_is_what_the_columns_make(stage: Stage) -> None:
    await mirrored(stage)
    paid, voided = [await stage.invoice(description='a\0b"c', footer="ü") for _ in range(2)]
    await stage.tell(*await stage.events())
    await holds(stage)
    await stage.dashboard(f"invoices/{paid['id']}/pay", payment_method="pm_card_visa")
    await stage.dashboard(f"invoices/{voided['id']}/void")
    draft = await stage.invoice(finalize=False)
    await stage.sandbox.dashboard.delete(f"/v1/invoices/{draft['id']}")
    await stage.sandbox.dashboard.delete(f"/v1/customers/{voided['customer']}")
    await stage.tell(*reversed(await stage.events()))
    await holds(stage)
    versions = await stage.rows("SELECT DISTINCT document_version FROM invoices")
    assert versions == [{"document_version": 1}]


async def answers(stage: Stage) -> list[object]:
    async with stage.parts.database.connection() as connection:
        found: list[object] = []
        for resource in (documents.PRODUCT, documents.PRICE, documents.CUSTOMER, documents.INVOICE):
            ids = [row["id"] for row in await stage.rows(f"SELECT id FROM {resource.table} ORDER BY id")]  # noqa: S608
            page = await documents.page(connection, resource, documents.Filter(), limit=10, cursor=None)
            many = await documents.read_all(connection, resource, ids)
            one = [await documents.read(connection, resource, it) for it in ids]
            found += [msgspec.json.decode(page), {it: msgspec.json.decode(text) for it, text in many.items()}]
            found += [msgspec.json.decode(text) for text in one if text]
    return found


async def test_what_holds_no_document_is_shown_and_filled_by_and_by(stage: Stage) -> None:
    await mirrored(stage)
    await stage.invoice()
    await stage.tell(*await stage.events())
    before = await answers(stage)
    for table in ("products", "prices", "customers"):
        await stage.rows(f"UPDATE {table} SET document = NULL, document_version = 0")  # noqa: S608
    await stage.rows(
        "UPDATE invoices SET document = NULL, items_document = NULL, document_version = 0 "
        "WHERE id = (SELECT max(id) FROM invoices)"
    )
    assert await answers(stage) == before
    assert await fill(stage.parts.database) == 5
    assert await fill(stage.parts.database) == 0
    await holds(stage)
    assert await answers(stage) == before


async def test_an_event_brings_back_the_document_of_a_frozen_invoice(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.rows("UPDATE invoices SET document = NULL, items_document = NULL, document_version = 0")
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    await holds(stage)
    [row] = await stage.rows("SELECT items_document FROM invoices")
    assert len(msgspec.json.decode(row["items_document"])) == 1
