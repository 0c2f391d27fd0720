"""A mirrored row holds what the API answers of it; where the code before changes the row, the document goes."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest

from app.customers.schemas import CustomerRead
from app.db import documents, resources
from app.db.mirrored_documents import TABLES
from app.domain.sources import Feed, From, Personal
from app.invoices.read_schemas import InvoiceDocument, InvoiceListed, ItemRead
from app.projection import mirrored_rows, snapshot_rows
from app.projection.write_through import RESOURCES
from app.stripe import mapping
from app.stripe.fields import Fields
from app.stripe.mapping import FIELDS, VERSIONS, Kind
from tests.fixtures.stage import Json, Stage
from tests.lab.truth import documents_must_hold

NOW = VERSIONS[Kind.INVOICE]
NEXT = NOW + 1

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
    async with stage.container.database.connection() as connection:
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
    assert versions == [{"document_version": NOW}]


async def answers(stage: Stage) -> list[object]:
    async with stage.container.database.connection() as connection:
        found: list[object] = []
        for resource in (resources.PRODUCT, resources.PRICE, resources.CUSTOMER, resources.INVOICE):
            ids = [row["id"] for row in await stage.rows(f"SELECT id FROM {resource.table} ORDER BY id")]  # noqa: S608
            page = await documents.page(connection, resource, {}, limit=10, cursor=None)
            many = await documents.read_all(connection, resource, ids)
            one = [await documents.read(connection, resource, it) for it in ids]
            found += [msgspec.json.decode(page), {it: msgspec.json.decode(text) for it, text in many.items()}]
            found += [msgspec.json.decode(text) for text in one if text]
    return found


def without_later(told: Any) -> Any:
    """`told` without the values of the later fields, which are empty where no document holds them."""
    later = {name for fields in (*FIELDS.values(), mapping.ITEM) for name in fields.later}
    if isinstance(told, dict):
        return {name: name in later or without_later(value) for name, value in told.items()}
    return [without_later(value) for value in told] if isinstance(told, list) else told


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
    assert without_later(await answers(stage)) == without_later(before)
    rebuilt = await stage.container.documents().rebuild()
    assert (rebuilt.filled, rebuilt.finished) == (5, True)
    assert (await stage.container.documents().rebuild()).total == 0
    assert not (await stage.container.documents().rebuild(-1)).finished
    await holds(stage)
    assert await answers(stage) == before


async def test_an_older_document_is_shown_with_all_fields(stage: Stage) -> None:
    await mirrored(stage)
    for kind, read in ((Kind.CUSTOMER, CustomerRead), (Kind.INVOICE, InvoiceListed)):
        [row] = await stage.rows(f"SELECT id, document FROM {TABLES[kind]}")  # noqa: S608
        first = {}
        for name, group in FIELDS[kind].documented(1):
            value = msgspec.json.decode(row["document"])[name]
            first[name] = {inner: value[inner] for inner in group} if group else value
        text = msgspec.json.encode(first).decode()
        await stage.rows(f"UPDATE {TABLES[kind]} SET document = $1, document_version = 1", text)  # noqa: S608
        async with stage.container.database.connection() as connection:
            shown = read.model_validate_json(
                await documents.require(connection, RESOURCES[kind], row["id"]), extra="ignore"
            )
        assert shown.model_fields_set == read.model_fields.keys()
        assert getattr(shown, "account_name", None) == (None if kind is Kind.CUSTOMER else "Sandbox Ltd")


async def test_an_event_brings_back_the_document_of_a_frozen_invoice(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.rows("UPDATE invoices SET document = NULL, items_document = NULL, document_version = 0")
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    await holds(stage)
    [row] = await stage.rows("SELECT items_document FROM invoices")
    assert len(msgspec.json.decode(row["items_document"])) == 1


class NextListed(InvoiceListed):
    next_number: Annotated[str | None, From("next_number", since=NEXT), Feed]
    next_name: Annotated[str | None, From("next_name", since=NEXT), Personal]


class NextKept(InvoiceDocument, NextListed):
    pass


class NextItem(ItemRead):
    next_quantity: Annotated[str | None, From("quantity_decimal", since=NEXT)]


@pytest.fixture
def next_release(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function from whose call on this process is of a release that knows three more fields."""

    def become() -> None:
        monkeypatch.setitem(FIELDS, Kind.INVOICE, Fields(NextKept, NextListed))
        monkeypatch.setitem(VERSIONS, Kind.INVOICE, NEXT)
        for module in (mapping, mirrored_rows, snapshot_rows):
            monkeypatch.setattr(module, "ITEM", Fields(NextItem, placed=mapping.PLACED))

    return become


Release = Callable[[], None]


async def document(stage: Stage, invoice: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    [row] = await stage.rows("SELECT document_version, document, items_document FROM invoices WHERE id = $1", invoice)
    return row["document_version"], msgspec.json.decode(row["document"]), msgspec.json.decode(row["items_document"])


def saying(event: Json, **changed: object) -> Json:
    return event | {"data": {"object": event["data"]["object"] | changed}}


async def calls(stage: Stage) -> list[str]:
    return [call for call in await stage.calls() if call != "GET /v1/events"]


async def told(stage: Stage) -> list[Json]:
    return await stage.rows("SELECT event FROM changes ORDER BY id")


async def test_a_release_that_knows_more_fields_is_not_told_of_a_change_by_the_same_event(
    stage: Stage, next_release: Release
) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    before, asked = await told(stage), await calls(stage)
    next_release()
    finalized = saying(await stage.event("invoice.finalized"), next_number="r-1")
    await stage.tell(finalized | {"id": "evt_again"})
    version, shown, items = await document(stage, invoice["id"])
    assert (version, shown["next_number"], items[0]["next_quantity"]) == (NEXT, "r-1", "1")
    assert (await told(stage), await calls(stage)) == (before, asked)


async def test_a_change_of_a_later_field_is_told(stage: Stage, next_release: Release) -> None:
    next_release()
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    before = await told(stage)
    again = saying(await stage.event("invoice.finalized"), next_number="r-1")
    await stage.tell(again | {"id": "evt_again", "created": again["created"] + 5})
    [row] = await stage.rows(
        "SELECT type, data::jsonb #>> '{invoice,next_number}' AS number FROM changes ORDER BY id DESC LIMIT 1"
    )
    assert (row["type"], row["number"]) == ("invoice.updated", "r-1")
    assert len(await told(stage)) == len(before) + 1
    assert (await document(stage, invoice["id"]))[1]["next_number"] == "r-1"


async def test_the_release_before_is_not_told_of_a_change_either(
    stage: Stage, next_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_release()
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    monkeypatch.undo()
    before, asked = await told(stage), await calls(stage)
    again = await stage.event("invoice.finalized")
    await stage.tell(again | {"id": "evt_again", "created": again["created"] + 5})
    assert (await told(stage), await calls(stage)) == (before, asked)
    version, shown, items = await document(stage, invoice["id"])
    assert (version, "next_number" in shown, len(items)) == (NOW, False, 1)


async def test_older_documents_are_derived_of_stored_events_and_no_change(stage: Stage, next_release: Release) -> None:
    mine, other = await stage.invoice(), await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.dashboard(f"invoices/{other['id']}", **{"metadata[color]": "red"})
    await stage.rows(
        'UPDATE webhook_events SET payload = replace(payload, \'"receipt_number": null\', \'"receipt_number": null, "next_number": "r-2"\')'
    )
    await stage.rows("UPDATE webhook_events SET type = 'other' WHERE object_id = $1", other["id"])
    columns = "id, revision, updated_at, snapshot_digest"
    rows, before = await stage.rows(f"SELECT {columns} FROM invoices WHERE id = $1", mine["id"]), await told(stage)  # noqa: S608
    next_release()
    rebuilt = await stage.container.documents().rebuild()
    assert (rebuilt.filled, rebuilt.derived, rebuilt.fetched) == (0, 1, 1)
    version, shown, items = await document(stage, mine["id"])
    assert (version, shown["next_number"], items[0]["next_quantity"]) == (NEXT, "r-2", "1")
    assert await stage.rows(f"SELECT {columns} FROM invoices WHERE id = $1", mine["id"]) == rows  # noqa: S608
    assert (await document(stage, other["id"]))[0] == NEXT
    assert (await told(stage))[: len(before)] == before
    assert (await stage.container.documents().rebuild()).total == 0
    await stage.rows("UPDATE invoices SET document_version = $2 WHERE id = $1", mine["id"], NOW)
    assert (await stage.container.documents().rebuild()).total == 0
    assert (await stage.container.documents().rebuild(again=True)).derived == 1


async def test_a_document_of_a_later_version_is_left_alone(stage: Stage, next_release: Release) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.rows("UPDATE invoices SET document_version = $1", NEXT + 1)
    next_release()
    assert (await stage.container.documents().rebuild()).total == 0
    assert (await document(stage, invoice["id"]))[0] == NEXT + 1


async def test_what_is_gone_at_stripe_keeps_its_older_document(stage: Stage, next_release: Release) -> None:
    invoice = await stage.invoice(finalize=False)
    await stage.tell(*await stage.events())
    await stage.rows("DELETE FROM webhook_events")
    await stage.sandbox.dashboard.delete(f"/v1/invoices/{invoice['id']}")
    next_release()
    assert (await stage.container.documents().rebuild()).fetched == 0
    assert (await document(stage, invoice["id"]))[0] == NOW


async def test_an_object_that_stripe_does_not_know_keeps_no_other_from_being_renewed(
    stage: Stage, next_release: Release
) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.rows("DELETE FROM webhook_events")
    await stage.rows("UPDATE customers SET document_version = 1")
    next_release()
    await stage.sandbox.fault(
        "GET", "/v1/customers/*", kind="status", status=404, code="resource_missing", message="No such customer"
    )
    assert (await stage.container.documents().rebuild()).finished
    assert (await document(stage, invoice["id"]))[0] == NEXT


async def test_personal_fields_of_an_invoice_go_with_its_customer(stage: Stage, next_release: Release) -> None:
    next_release()
    invoice = await stage.invoice()
    finalized, events = await stage.event("invoice.finalized"), await stage.events()
    await stage.tell(*events[: events.index(finalized)], saying(finalized, next_name="Jenny Rosen"))
    assert (await document(stage, invoice["id"]))[1]["next_name"] == "Jenny Rosen"
    await stage.sandbox.dashboard.delete(f"/v1/customers/{invoice['customer']}")
    await stage.tell(await stage.event("customer.deleted"))
    assert await stage.container.documents().scrub() == 1
    assert await stage.container.documents().scrub() == 0
    assert (await document(stage, invoice["id"]))[1]["next_name"] is None
    late = saying(finalized, next_name="Jenny Rosen") | {"id": "evt_late", "created": finalized["created"] + 9}
    await stage.tell(late)
    assert (await document(stage, invoice["id"]))[1]["next_name"] is None
