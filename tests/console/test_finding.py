"""Invoices found at the console by the filters of the API, shown and downloaded."""

from __future__ import annotations

import csv
import io

import pytest

from tests.console.conftest import MakeVisitor, Stocked, Visitor


@pytest.mark.parametrize(
    "filters",
    [
        {"status": "paid"},
        {"status": ["paid", "void"], "sort": "-amount_due"},
        {"number": "of the paid one"},
        {"q": "jenny", "status": "paid"},
        {"customer": "of the paid one", "status": "paid", "key": "", "value": ""},
    ],
)
async def test_what_the_filters_match_is_shown_and_downloaded(
    stocked: Stocked, operator: Visitor, filters: dict[str, str | list[str]]
) -> None:
    paid = stocked.paid
    asked = {name: paid[name] if value == "of the paid one" else value for name, value in filters.items()}
    page = await operator.page("find", **asked)
    assert f"/console/invoice/details/{paid['id']}" in page
    assert f"/console/invoice/details/{stocked.open['id']}" not in page
    answer = await operator.get("find.csv", **asked)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert [row["id"] for row in csv.DictReader(io.StringIO(answer.text))] == [paid["id"]]


async def test_without_filters_all_are_shown_newest_first(stocked: Stocked, operator: Visitor) -> None:
    page = await operator.page("find")
    assert f"/console/invoice/details/{stocked.paid['id']}" in page
    assert f"/console/invoice/details/{stocked.open['id']}" in page


async def test_filters_that_no_list_has_are_told(stocked: Stocked, operator: Visitor) -> None:
    assert stocked.paid
    page = await operator.page("find", status="lost")
    assert 'role="alert"' in page
    assert "status" in page.partition('role="alert"')[2][:200]
    assert (await operator.get("find.csv", status="lost")).status_code == 422


async def test_every_page_finds_and_an_id_leads_to_its_page(stocked: Stocked, operator: Visitor) -> None:
    for path in ("", "reports", "refund/list", f"invoice/details/{stocked.paid['id']}"):
        assert '<form class="search" action="/console/find"' in await operator.page(path)
    await stocked.stage.rows(
        "INSERT INTO invoice_payments (payment_intent, invoice, is_default) VALUES ('pi_1Part0', $1, false)",
        stocked.paid["id"],
    )
    for asked, page in (
        (stocked.paid["id"], f"invoice/details/{stocked.paid['id']}"),
        (stocked.paid["customer"], f"customer/details/{stocked.paid['customer']}"),
        (stocked.paid["payment_intent"], f"invoice/details/{stocked.paid['id']}"),
        ("pi_1Part0", f"invoice/details/{stocked.paid['id']}"),
    ):
        assert (await operator.get("find", q=f" {asked} ")).headers["location"] == f"/console/{page}"
    assert "Nothing here." in await operator.page("find", q="pi_1Unknown")
    for words in (stocked.paid["number"], "jenny.rosen@example.com", "Rosen"):
        assert f"/console/invoice/details/{stocked.paid['id']}" in await operator.page("find", q=words)


async def test_only_admins_find(stocked: Stocked, make_visitor: MakeVisitor) -> None:
    visitor = await make_visitor()
    await visitor.login((await stocked.key("console:read"))["key"])
    for path in ("find", "find.csv"):
        assert (await visitor.get(path)).status_code == 403
    page = await visitor.get("")
    assert "/console/find" not in page.text
