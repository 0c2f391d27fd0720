"""Invoices are found by what people know of them, in several orders, and as CSV."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.domain.search import query, vector
from app.invoices import export
from tests.fixtures.caller import Caller, Json
from tests.fixtures.sandbox import Sandbox

NEXT = datetime.now(UTC).year + 1
APRIL, MAY = f"{NEXT}-04-01T00:00:00Z", f"{NEXT}-05-01T00:00:00Z"
LIST, CSV = "/v1/invoices", "/v1/invoices.csv"


@pytest.fixture(scope="module")
def shop(lasting_client: httpx.AsyncClient, running_sandbox: Sandbox) -> Caller:
    return Caller(lasting_client, running_sandbox)


@pytest.fixture(scope="module")
async def bills(shop: Caller) -> dict[str, Json]:
    """Six invoices that differ in what they are found by."""
    jenny = (await shop.customer(name="Jenny Rösen", email="jenny.rosen@example.com"))["id"]
    adam = (await shop.customer(name="=Adam", email="adam@shop.example"))["id"]
    item = {"currency": "usd", "description": "Work"}
    made = {}
    for name, customer, amount, fields in (
        ("draft", jenny, 3000, {"description": "Travel to Zürich"}),
        ("open", jenny, 1000, {"finalize": True, "metadata": {"team": "blue", "city": "Bern"}, "due_at": MAY}),
        ("late", adam, 2000, {"finalize": True, "metadata": {"team": "blue"}, "due_at": APRIL}),
        ("charged", adam, 5000, {"collection_method": "charge_automatically"}),
        ("void", adam, 4000, {"finalize": True, "metadata": {"team": "red"}}),
        ("same", jenny, 1000, {"finalize": True, "reference": "order-same", "due_at": MAY}),
    ):  # fmt: skip
        due = {} if {"due_at", "collection_method"} & fields.keys() else {"days_until_due": 30}
        made[name] = await shop.post(
            LIST, {"customer": customer, "items": [item | {"amount": amount}], **due, **fields}
        )
    made["void"] = await shop.post(f"{LIST}/{made['void']['id']}/void")
    return made


async def names(shop: Caller, bills: dict[str, Json], **params: Any) -> list[str]:
    by_id = {bill["id"]: name for name, bill in bills.items()}
    found = await shop.every(LIST, **{"limit": 2, **params})
    assert {one["id"] for one in found} <= by_id.keys()
    return [by_id[one["id"]] for one in found]


NEWEST = ["same", "void", "charged", "late", "open", "draft"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"metadata[team]": "blue"}, ["late", "open"]),
        ({"metadata[team]": "blue", "metadata[city]": "Bern"}, ["open"]),
        ({"metadata[team]": "green"}, []),
        ({"status": ["open", "void"]}, ["same", "void", "late", "open"]),
        ({"status": ["open"]}, ["same", "late", "open"]),
        ({"status": ["draft", "void"], "metadata[team]": "red"}, ["void"]),
        ({"collection_method": "charge_automatically"}, ["charged"]),
        ({"collection_method": "send_invoice", "status": "draft"}, ["draft"]),
        ({"q": "jenny"}, ["same", "open", "draft"]),
        ({"q": "ROSEN example"}, ["same", "open", "draft"]),
        ({"q": "rös"}, ["same", "open", "draft"]),
        ({"q": "jenny.rosen@example.com"}, ["same", "open", "draft"]),
        ({"q": "zürich"}, ["draft"]),
        ({"q": "je"}, []),
        ({"q": "jenny zürich"}, ["draft"]),
        ({"sort": "created_at"}, NEWEST[::-1]),
        ({"sort": "-created_at"}, NEWEST),
        ({"sort": "amount_due"}, ["draft", "void", "charged", "late", "open", "same"]),
        ({"sort": "due_at", "status": ["open", "paid"]}, ["late", "open", "same"]),
        ({"sort": "-due_at", "status": "open"}, ["open", "same", "late"]),
        ({"sort": "due_at", "status": "open", "due_before": MAY}, ["late"]),
        ({"sort": "-amount_due", "q": "work jenny"}, []),
        ({"status": ["open", "void"], "created_to": "2020-01-01T00:00:00Z"}, []),
        ({"status": ["open", "void"], "created_from": "2020-01-01T00:00:00Z"}, ["same", "void", "late", "open"]),
        ({"reference": "order-same", "sort": "amount_due"}, ["same"]),
    ],
    ids=lambda it: str(it).replace(str(NEXT), "next"),  # the same in each worker, also at the end of a year
)  # fmt: skip
async def test_invoices_are_found_and_in_order(
    shop: Caller, bills: dict[str, Json], params: dict[str, Any], found: list[str]
) -> None:
    listed = await names(shop, bills, **params)
    ties = params.get("sort", "").lstrip("-") in {"amount_due", "due_at"}
    assert (sorted(listed) if ties else listed) == (sorted(found) if ties else found)
    if ties:
        key = params["sort"].lstrip("-")
        values = [bills[name][key] for name in listed]
        assert values == sorted(values, reverse=params["sort"].startswith("-"))


async def test_an_invoice_is_found_by_its_number_and_by_a_part_of_it(shop: Caller, bills: dict[str, Json]) -> None:
    number = bills["open"]["number"]
    assert await names(shop, bills, number=number) == ["open"]
    assert await names(shop, bills, q=number.lower()) == ["open"]
    assert await names(shop, bills, number=number, sort="due_at", status="draft") == []


async def test_those_without_a_due_date_are_last_and_page_like_the_others(shop: Caller, bills: dict[str, Json]) -> None:
    for sort, place in (("due_at", -1), ("-due_at", 0)):
        assert (await names(shop, bills, sort=sort, limit=1))[place] == "charged"
    ordered = await names(shop, bills, sort="amount_due", limit=1)
    assert ordered == await names(shop, bills, sort="amount_due", limit=100)
    assert sorted(ordered) == sorted(bills)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"sort": "total"}, "sort"),
        ({"sort": "amount_due", "created_from": "2020-01-01T00:00:00Z"}, "created_from"),
        ({"sort": "due_at", "created_to": "2020-01-01T00:00:00Z"}, "created_to"),
        ({"sort": "amount_due", "due_before": "2020-01-01T00:00:00Z"}, "due_before"),
        ({"sort": "due_at", "overdue": "true"}, "overdue"),
        ({"status": ["open", "void"], "overdue": "false"}, "overdue"),
        ({"status": ["open", "gone"]}, "status"),
        ({"q": "!?"}, "q"),
        ({"q": " ".join("abcdefghi")}, "q"),
        ({"q": ""}, "q"),
        ({"number": "\x00"}, "number"),
        ({"metadata[a\x00]": "b"}, None),
        ({"metadata": "b"}, "metadata"),
        ({f"metadata[{n}]": "b" for n in range(11)}, "metadata"),
        ({"metdata[a]": "b"}, "metdata[a]"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("path", [LIST, CSV])
async def test_what_no_index_serves_or_makes_no_sense_is_refused_by_name(
    shop: Caller, path: str, params: dict[str, Any], param: str | None
) -> None:
    problem = await shop.refused("GET", path, 422, "validation_error", params=params)
    assert param is None or problem["param"] == param, problem


async def test_a_cursor_is_bound_to_its_order_and_its_filters(shop: Caller, bills: dict[str, Json]) -> None:
    cursor = (await shop.get(LIST, limit=1, sort="due_at", status="open"))["next_cursor"]
    assert len((await shop.get(LIST, limit=9, sort="due_at", status="open", cursor=cursor))["data"]) == 2
    for other in (
        {"sort": "-due_at", "status": "open"},
        {"sort": "due_at"},
        {"status": "open"},
        {"sort": "amount_due", "status": "open"},
    ):
        problem = await shop.refused("GET", LIST, 422, "validation_error", params={**other, "cursor": cursor})
        assert (problem["param"], "another order" in problem["detail"]) == ("cursor", True)


async def test_too_many_matches_are_refused_not_sorted(
    shop: Caller, bills: dict[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.documents.MOST_FOUND", 2)
    for params in (
        {"q": "jenny", "limit": 7},
        {"customer": bills["open"]["customer"], "sort": "amount_due", "limit": 7},
    ):
        problem = await shop.refused("GET", LIST, 422, "validation_error", params=params)
        assert (problem["param"], "more than 2 match" in problem["detail"]) == ("sort", True)


async def test_the_csv_has_the_rows_of_the_list_and_no_formula(shop: Caller, bills: dict[str, Json]) -> None:
    answer = await shop.client.get(CSV, params={"metadata[team]": "blue", "sort": "amount_due"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    opened, late = csv.DictReader(io.StringIO(answer.text))
    assert [opened["id"], late["id"]] == [bills["open"]["id"], bills["late"]["id"]]
    assert (late["customer_name"], late["amount_due"], late["amount_due_decimal"]) == ("'=Adam", "2000", "20.00")
    assert (late["status"], late["due_at"], late["fulfillment_status"]) == ("open", APRIL.replace("Z", ".000Z"), "")
    everything = list(csv.DictReader(io.StringIO((await shop.client.get(CSV)).text)))
    assert [row["id"] for row in everything] == [bills[name]["id"] for name in NEWEST]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\ta", "\na", " =a", "\xa0=a", "\uff1d1", "\u3000\uff20a"])
async def test_what_a_spreadsheet_would_run_is_made_a_text(text: str) -> None:
    assert export.harmless(text) == f"'{text}"
    assert [export.harmless(one) for one in ("a=1", None, 5, "a; b-1")] == ["a=1", "", "5", "a; b-1"]
    # Where cells end at semicolons, as in Germany, more of them begin within a text.
    assert [export.harmless(one) for one in ("a;=1", "a; +1", "a\n-1", "a\t@")] == [
        "a;'=1",
        "a;' +1",
        "a\n'-1",
        "a\t'@",
    ]


async def test_a_cut_csv_says_so(shop: Caller, bills: dict[str, Json], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export.lines, "__kwdefaults__", {"most": 3})
    monkeypatch.setattr(export, "PAGE", 2)
    *rows, last = (await shop.client.get(CSV)).text.splitlines()
    assert (len(rows), last.startswith('"CUT OFF: more than 3 invoices match.')) == (4, True) or last.startswith(
        "CUT OFF"
    )


async def test_words_are_those_of_the_invoice_and_go_with_its_customer(shop: Caller, lasting_database: Any) -> None:
    customer = (await shop.customer(name="Wilhelmina Tell"))["id"]
    bill = await shop.open(customer=customer, description="Apples")
    connection = await lasting_database.connect()
    look = "SELECT search::text FROM invoices WHERE id = $1"
    assert "'wilhelmina'" in await connection.fetchval(look, bill["id"])
    await shop.delete(f"/v1/customers/{customer}")
    await shop.client._transport.app.state.container.documents().scrub()  # type: ignore[attr-defined]
    assert "'wilhelmina'" not in await connection.fetchval(look, bill["id"])
    assert "'apples'" in await connection.fetchval(look, bill["id"])
    await connection.close()


async def test_a_text_is_its_words_once() -> None:
    assert vector(["X0Z-0001", None, "x0z", "a_b " + "y" * 99]) == f"x0z 0001 a b {'y' * 64}"
    assert query("Jenny & o:* 'x") == "jenny:* & o & x"
