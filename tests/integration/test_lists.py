"""Lists: newest first, page by page, each filter alone and together; and that no read ever asks Stripe."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from tests.fixtures.caller import ITEM, Caller, Json
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Stage

LISTS = [
    "/v1/products",
    "/v1/prices",
    "/v1/customers",
    "/v1/invoices",
    "/v1/fulfillments",
    "/v1/webhook-events",
]


@pytest.fixture
def lasting(lasting_client: httpx.AsyncClient, sandbox: Sandbox) -> Caller:
    """For what is refused whatever there is."""
    return Caller(lasting_client, sandbox)


def ids(found: list[Json]) -> list[str]:
    return [one["id"] for one in found]


async def spread(database: Database, invoices: list[Json]) -> None:
    """Make the invoices a day apart from each other, the first the oldest; Stripe's times are whole seconds."""
    connection: asyncpg.Connection[asyncpg.Record] = await database.connect()
    for age, invoice in enumerate(reversed(invoices)):
        await connection.execute(
            "UPDATE invoices SET created_at = now() - make_interval(days => $2) WHERE id = $1", invoice["id"], age
        )
    await connection.close()


async def in_one_second(database: Database, table: str) -> None:
    """Make all rows of a table as old as each other: Stripe's times are whole seconds, and many are made in one."""
    connection: asyncpg.Connection[asyncpg.Record] = await database.connect()
    await connection.execute(f"UPDATE {table} SET created_at = date_trunc('second', now())")  # noqa: S608 -- our own names
    await connection.close()


async def paged(api: Caller, path: str, cursor: str | None, limit: int = 2) -> list[str]:
    """The ids of a list from `cursor` on, page by page."""
    page = await api.get(path, limit=limit, **({"cursor": cursor} if cursor else {}))
    rest = await paged(api, path, page["next_cursor"], limit) if page["has_more"] else []
    return ids(page["data"]) + rest


def read_cursor(cursor: str) -> list[Json]:
    found: list[Json] = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    return found


def written_cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", LISTS)
async def test_an_empty_list_is_a_page_without_data(api: Caller, path: str) -> None:
    assert await api.get(path) == {"data": [], "has_more": False, "next_cursor": None}


async def test_pages_follow_each_other_newest_first_and_miss_or_repeat_nothing(api: Caller, database: Database) -> None:
    customer = (await api.customer())["id"]
    made = [await api.draft(customer=customer, items=[]) for _ in range(7)]
    await in_one_second(database, "invoices")
    await spread(database, made[:3])  # the other four share their second
    pages = []
    cursor: str | None = None
    while True:
        page = await api.get("/v1/invoices", limit=3, **({"cursor": cursor} if cursor else {}))
        pages.append(ids(page["data"]))
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if not cursor:
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    newest = [made[index] for index in (2, 6, 5, 4, 3, 1, 0)]
    assert [one for page in pages for one in page] == ids(newest)


@pytest.mark.parametrize("noun", ["products", "prices", "customers", "invoices", "refunds", "credit-notes"])
async def test_what_is_made_in_one_second_is_listed_newest_first(api: Caller, database: Database, noun: str) -> None:
    product, customer = (await api.post("/v1/products", {"name": "A"}))["id"], (await api.customer())["id"]
    opened = (await api.open())["id"]
    if noun == "refunds":
        await api.post(f"/v1/invoices/{opened}/pay", {"payment_method": "pm_card_visa"})
    path, body = {
        "products": ("products", {"name": "B"}),
        "prices": ("prices", {"product": product, "currency": "usd", "unit_amount": 1}),
        "customers": ("customers", {"name": "B", "email": "b@example.com"}),
        "invoices": ("invoices", {"customer": customer, "days_until_due": 3}),
        "refunds": (f"invoices/{opened}/refunds", {"amount": 50}),
        "credit-notes": (f"invoices/{opened}/credit-notes", {"amount": 50}),
    }[noun]
    answers = [await api.post(f"/v1/{path}", body) for _ in range(5)]
    made = [one["refunds"][0] if noun == "refunds" else one for one in answers]
    if noun in {"products", "prices", "customers"}:
        await api.patch(f"/v1/{noun}/{made[0]['id']}", {"metadata": {"changed": "later"}})
    await in_one_second(database, noun.replace("-", "_"))
    assert (await paged(api, f"/v1/{noun}", None))[:5] == ids(made[::-1])


async def test_what_only_events_tell_of_is_listed_in_the_order_in_which_they_came(
    stage: Stage, database: Database
) -> None:
    made = [await stage.dashboard("customers", name=str(n)) for n in range(5)]
    await stage.tell(*await stage.events("customer.created"))
    await in_one_second(database, "customers")
    listed = (await stage.client.get("/v1/customers")).json()["data"]
    assert ids(listed) == ids(made[::-1])


async def test_rows_older_than_the_order_keep_theirs_by_id_behind_newer_ones_of_their_second(
    api: Caller, database: Database
) -> None:
    made = ids([await api.post("/v1/products", {"name": str(n)}) for n in range(6)])
    connection = await database.connect()
    await connection.execute("UPDATE products SET sequence = 0 WHERE id = ANY($1)", made[:4])  # as the migration does
    await connection.close()
    await in_one_second(database, "products")
    assert await paged(api, "/v1/products", None) == [made[5], made[4], *sorted(made[:4], reverse=True)]


@pytest.mark.parametrize("listed", [["product"], []], ids=["the release before", "the one before that"])
async def test_a_list_that_the_release_before_began_goes_on_in_its_order(
    api: Caller, database: Database, listed: list[str]
) -> None:
    made = ids([await api.post("/v1/products", {"name": str(n)}) for n in range(6)])
    await in_one_second(database, "products")
    at, *_ = read_cursor((await api.get("/v1/products", limit=1))["next_cursor"])
    by_id = sorted(made, reverse=True)
    assert await paged(api, "/v1/products", written_cursor(at, by_id[1], *listed)) == by_id[2:]


async def test_what_is_created_meanwhile_does_not_shift_the_next_page(api: Caller) -> None:
    first = [await api.post("/v1/products", {"name": str(n)}) for n in range(4)]
    page = await api.get("/v1/products", limit=2)
    seen = ids(page["data"])
    new = await api.post("/v1/products", {"name": "new"})
    rest = await api.get("/v1/products", limit=100, cursor=page["next_cursor"])
    listed = seen + ids(rest["data"])
    assert len(listed) == len(set(listed))
    assert set(ids(first)) <= {*listed, new["id"]} | set(ids(first)[:0])
    assert set(listed) - {new["id"]} == set(ids(first))


async def test_a_list_shows_20_at_a_time_and_at_most_100(api: Caller) -> None:
    await asyncio.gather(*(api.post("/v1/products", {"name": str(n)}) for n in range(21)))
    assert len((await api.get("/v1/products"))["data"]) == 20
    assert len((await api.get("/v1/products", limit=100))["data"]) == 21
    for limit in (0, 101, -1, "x", "1.5", ""):
        problem = await api.refused("GET", "/v1/products", 422, "validation_error", params={"limit": limit})
        assert problem["param"] == "limit"


BAD_CURSORS = [
    "x",
    "....",
    "ä",
    base64.urlsafe_b64encode(b"[1,2]").decode(),
    base64.urlsafe_b64encode(b'["2026-01-01T00:00:00","x"]').decode(),
    base64.urlsafe_b64encode(b'["2026-01-01T00:00:00Z","\\u0000"]').decode(),
    base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00","x"]').decode(),
    base64.urlsafe_b64encode(b'["2026-01-01T00:00:00Z","x","",-1]').decode(),
    base64.urlsafe_b64encode(b'["2026-01-01T00:00:00Z","x","",9223372036854775808]').decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    "A" * 601,
    "\x00",
]


@pytest.mark.parametrize("cursor", BAD_CURSORS)
async def test_a_cursor_that_no_list_answered_is_refused(lasting: Caller, cursor: str) -> None:
    for path in LISTS:
        problem = await lasting.refused("GET", path, 422, "validation_error", params={"cursor": cursor})
        assert problem["param"] == "cursor"


async def test_invoices_are_found_by_each_filter(api: Caller, database: Database) -> None:
    draft, opened, paid = await api.draft(reference="r"), await api.open(), await api.paid()
    await spread(database, [draft, opened, paid])
    noon_yesterday = (datetime.now(UTC) - timedelta(hours=36)).isoformat()
    for wanted, params in (
        ([draft], {"status": "draft"}),
        ([opened], {"status": "open"}),
        ([paid], {"status": "paid"}),
        ([], {"status": "void"}),
        ([opened], {"customer": opened["customer"]}),
        ([], {"customer": opened["customer"], "status": "paid"}),
        ([draft], {"reference": "r"}),
        ([paid, opened], {"created_from": noon_yesterday}),
        ([draft], {"created_to": noon_yesterday}),
        ([opened], {"created_from": noon_yesterday, "customer": opened["customer"]}),
        ([], {"due_before": datetime.now(UTC).isoformat()}),
        ([paid, opened, draft], {"due_before": (datetime.now(UTC) + timedelta(days=31)).isoformat()}),
        ([], {"overdue": "true"}),
        ([paid, opened, draft], {"overdue": "false"}),
    ):
        assert ids(await api.every("/v1/invoices", **params)) == ids(wanted), params


async def test_an_open_invoice_past_its_due_date_is_overdue_and_a_paid_one_is_not(
    api: Caller, database: Database
) -> None:
    opened, paid, draft = await api.open(), await api.paid(), await api.draft()
    connection = await database.connect()
    await connection.execute("UPDATE invoices SET due_at = now() - interval '1 second'")
    await connection.close()
    assert ids(await api.every("/v1/invoices", overdue="true")) == [opened["id"]]
    assert set(ids(await api.every("/v1/invoices", overdue="false"))) == {paid["id"], draft["id"]}


async def test_a_list_of_invoices_shows_them_without_items_and_payments(api: Caller) -> None:
    invoice = await api.draft()
    del invoice["items"], invoice["payments"]
    assert (await api.get("/v1/invoices"))["data"] == [invoice]


async def test_fulfillments_are_found_by_each_filter(live: Caller) -> None:
    paid, opened = await live.paid(), await live.open()
    await live.settled()
    listed = await live.every("/v1/fulfillments")
    by_invoice = {one["invoice"]: one for one in listed}
    assert by_invoice.keys() == {paid["id"], opened["id"]}
    done, waiting = by_invoice[paid["id"]], by_invoice[opened["id"]]
    for wanted, params in (
        ([done], {"status": "fulfilled"}),
        ([waiting], {"status": "awaiting_payment"}),
        ([], {"status": "processing"}),
        ([done], {"customer": paid["customer"]}),
        ([], {"customer": paid["customer"], "status": "awaiting_payment"}),
        ([], {"updated_after": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}),
    ):
        assert await live.every("/v1/fulfillments", **params) == wanted, params
    after = await live.every("/v1/fulfillments", updated_after="2020-01-01T00:00:00Z")
    assert set(ids(after)) == set(ids(listed))
    assert await live.get(f"/v1/invoices/{paid['id']}/fulfillment") == done


async def test_an_invoice_without_fulfillment_has_none_to_read(api: Caller) -> None:
    invoice = await api.draft()
    for path in (f"/v1/invoices/{invoice['id']}/fulfillment", "/v1/invoices/in_unknown/fulfillment"):
        await api.refused("GET", path, 404, "not_found")


async def test_every_event_received_is_listed_and_read_with_its_payload(live: Caller) -> None:
    product = await live.post("/v1/products", {"name": "A"})
    await live.patch(f"/v1/products/{product['id']}", {"name": "B"})
    await live.settled()
    listed = await live.every("/v1/webhook-events")
    assert {one["type"] for one in listed} == {"product.created", "product.updated"}
    (created,) = await live.every("/v1/webhook-events", type="product.created", status="processed")
    assert await live.every("/v1/webhook-events", type="product.created", status="failed") == []
    assert (created["object"], created["attempts"], created["last_error"]) == (product["id"], 1, None)
    assert (created["source"], created["livemode"]) == ("delivery", False)
    assert created["verified_by"]
    assert created["request_id"]
    shown = await live.get(f"/v1/webhook-events/{created['id']}")
    assert shown.pop("payload")["data"]["object"]["id"] == product["id"]
    assert shown == created
    await live.refused("GET", "/v1/webhook-events/evt_unknown", 404, "not_found")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/invoices", {"status": "late"}),
        ("/v1/invoices", {"overdue": "perhaps"}),
        ("/v1/invoices", {"created_from": "yesterday"}),
        ("/v1/invoices", {"created_from": "2026-01-01T00:00:00"}),
        ("/v1/invoices", {"customer": "a" * 256}),
        ("/v1/invoices", {"customer": "a\x00"}),
        ("/v1/invoices", {"reference": "a\x00"}),
        ("/v1/customers", {"email": "\x00@"}),
        ("/v1/customers", {"reference": "a" * 201}),
        ("/v1/prices", {"product": "\x00"}),
        ("/v1/products", {"active": "2"}),
        ("/v1/fulfillments", {"status": "paid"}),
        ("/v1/fulfillments", {"customer": "\x00"}),
        ("/v1/fulfillments", {"updated_after": "0"}),
        ("/v1/webhook-events", {"status": "new"}),
        ("/v1/webhook-events", {"type": "\x00"}),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused_by_name(
    lasting: Caller, path: str, params: dict[str, str]
) -> None:
    problem = await lasting.refused("GET", path, 422, "validation_error", params=params)
    (name,) = params
    assert problem["param"] == name


@pytest.mark.parametrize(
    ("path", "name", "says"),
    [
        ("/v1/invoices", "custmer", "Did you mean customer?"),
        ("/v1/products", "utm_source", "It has active, cursor, limit, reference."),
        ("/v1/events", "afetr", "Did you mean after?"),
        ("/v1/invoices/in_1", "expand", "It has none."),
    ],
)
async def test_an_unknown_query_parameter_is_refused_naming_the_nearest(
    api: Caller, path: str, name: str, says: str
) -> None:
    problem = await api.refused("GET", path, 422, "validation_error", params={name: "x"})
    assert problem["param"] == name
    assert problem["detail"] == f"{name} is no query parameter of this operation. {says}"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("refunds?status=pending&status=failed", "status"),
        ("events?types=invoice.paid&types=invoice.voided", "types"),
        ("invoices?metadata[a]=1&metadata[b]=1&metadata[a]=2", "metadata[a]"),
        ("invoices?status=open&status=paid&limit=1&limit=2", "limit"),
    ],
)
async def test_a_filter_of_which_only_the_last_would_count_is_refused(api: Caller, query: str, param: str) -> None:
    problem = await api.refused("GET", f"/v1/{query}", 422, "validation_error")
    assert (problem["param"], problem["detail"]) == (param, f"{param} may be given once.")


async def test_a_cursor_of_another_list_is_refused(api: Caller) -> None:
    for _ in range(2):
        await api.post("/v1/products", {"name": "A"})
    cursor = (await api.get("/v1/products", limit=1))["next_cursor"]
    problem = await api.refused("GET", "/v1/customers", 422, "validation_error", params={"cursor": cursor})
    assert (problem["param"], "another list" in problem["detail"]) == ("cursor", True)


async def test_reads_make_no_call_to_stripe(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.paid(items=[ITEM, ITEM])
    price = await live.price()
    await live.settled()
    (event, *_) = await live.every("/v1/webhook-events", type="invoice.paid")
    before = await sandbox.requests()
    for path in (
        *LISTS,
        f"/v1/invoices/{invoice['id']}",
        f"/v1/invoices/{invoice['id']}/fulfillment",
        f"/v1/customers/{invoice['customer']}",
        f"/v1/products/{price['product']}",
        f"/v1/prices/{price['id']}",
        f"/v1/webhook-events/{event['id']}",
        "/healthz",
        "/readyz",
    ):
        await live.get(path)
    assert await sandbox.requests() == before
