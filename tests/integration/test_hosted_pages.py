"""Stripe's addresses of hosted pages and PDFs expire: what is handed out holds, and Stripe is asked only where it is old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.access.authentication import SECRETS_AT_ONCE
from app.domain.payment_link import GRACE, PaymentLink, sign
from app.invoices.hosted_pages import FRESH
from app.settings import Settings
from tests.fixtures.billing import payment_link
from tests.fixtures.caller import Caller, Json
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox

MakeApp = Callable[..., Awaitable[Caller]]
Eventually = Callable[..., Awaitable[Any]]
PAGES = {"hosted": "hosted_invoice_url", "pdf": "invoice_pdf"}
DAY = 86_400


async def aged(database: Database, invoice_id: str, by: timedelta = FRESH + timedelta(days=1)) -> None:
    """Make what is known of the invoice older than an address may be."""
    connection = await database.connect()
    await connection.execute(
        "UPDATE invoices SET snapshot_since = snapshot_since - $2::interval, snapshot_until = snapshot_until - $2::interval "
        "WHERE id = $1",
        invoice_id,
        by,
    )
    await connection.close()


async def asked(sandbox: Sandbox) -> int:
    return len(await sandbox.requests(method="GET", path="/v1/invoices/*"))


async def opens(url: str) -> int:
    async with httpx.AsyncClient(trust_env=False) as browser:
        return (await browser.get(url)).status_code


async def page_of(api: Caller, invoice: Json) -> str:
    """The path of the invoice's payment page."""
    link: Json = await payment_link(api.client, invoice["id"])
    return urlsplit(link["url"]).path


async def test_addresses_that_are_new_are_handed_out_without_asking_stripe(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    found = await api.get(f"/v1/invoices/{invoice['id']}/hosted-pages")
    assert {name: found[name] for name in PAGES.values()} == {name: invoice[name] for name in PAGES.values()}
    age = datetime.now(UTC) - datetime.fromisoformat(found["as_of"])
    assert age < timedelta(minutes=1)
    assert await asked(sandbox) == 0


@pytest.mark.parametrize("status", ["open", "paid", "void", "uncollectible"])
async def test_addresses_that_expired_are_asked_of_stripe_once_and_kept(
    api: Caller, sandbox: Sandbox, database: Database, status: str
) -> None:
    made = await api.made(status)
    invoice = await api.get(f"/v1/invoices/{made['id']}")
    await sandbox.advance(61 * DAY)
    assert [await opens(invoice[name]) for name in PAGES.values()] == [410, 410]
    await aged(database, invoice["id"])
    found = await api.get(f"/v1/invoices/{invoice['id']}/hosted-pages")
    assert [await opens(found[name]) for name in PAGES.values()] == [200, 200]
    assert datetime.now(UTC) - datetime.fromisoformat(found["as_of"]) < timedelta(minutes=1)
    await aged(database, invoice["id"], timedelta(days=61))  # so far the sandbox's clock is ahead of ours
    again = await api.get(f"/v1/invoices/{invoice['id']}/hosted-pages")
    assert (again["hosted_invoice_url"], await asked(sandbox)) == (found["hosted_invoice_url"], 1)
    shown = await api.get(f"/v1/invoices/{invoice['id']}")
    changed = {name: found[name] for name in PAGES.values()} | {"fulfillment": shown["fulfillment"]}
    assert shown == invoice | changed


async def test_a_draft_has_no_pages_and_what_is_unknown_or_deleted_is_not_found(api: Caller, sandbox: Sandbox) -> None:
    draft = await api.draft()
    found = await api.get(f"/v1/invoices/{draft['id']}/hosted-pages")
    assert (found["hosted_invoice_url"], found["invoice_pdf"]) == (None, None)
    await api.delete(f"/v1/invoices/{draft['id']}")
    for gone in (draft["id"], "in_none"):
        await api.refused("GET", f"/v1/invoices/{gone}/hosted-pages", 404, "not_found")
    assert await asked(sandbox) == 0


async def test_who_asks_for_the_same_old_addresses_at_the_same_time_shares_one_call(
    make_app: MakeApp, sandbox: Sandbox, database: Database, eventually: Eventually
) -> None:
    api = await make_app()
    invoice = await api.open()
    await aged(database, invoice["id"])
    await sandbox.fault("GET", "/v1/invoices/*", kind="stale_read", times=1)
    asking = [asyncio.create_task(api.container.hosted_pages._reading.ask(invoice["id"])) for _ in range(20)]

    async def begun() -> bool:
        return await asked(sandbox) > 0

    await eventually(begun)
    await sandbox.clear_faults()
    assert len(set(await asyncio.gather(*asking))) == 1
    await api.get(f"/v1/invoices/{invoice['id']}/hosted-pages")
    assert await asked(sandbox) == 1


@pytest.mark.parametrize("name", PAGES)
async def test_our_address_forwards_to_stripes_and_never_elsewhere(
    api: Caller, sandbox: Sandbox, database: Database, name: str
) -> None:
    invoice = await api.open()
    path = f"{await page_of(api, invoice)}/{name}"
    await sandbox.advance(61 * DAY)
    await aged(database, invoice["id"])
    locations = []
    for query in ("", "?url=https://evil.example", "?next=//evil.example&hosted_invoice_url=https://evil.example"):
        answer = await api.client.get(path + query, headers={"Authorization": "", "Host": "evil.example"})
        known = await api.get(f"/v1/invoices/{invoice['id']}")
        assert (answer.status_code, answer.headers["Location"]) == (302, known[PAGES[name]])
        locations.append(answer.headers["Location"])
        assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert await opens(locations[0]) == 200
    for bad in (f"{path}/", path.replace("plk_", "plk_0"), f"/pay/{invoice['id']}/{name}"):
        refused = await api.client.get(bad, headers={"Authorization": ""})
        assert (refused.status_code, "Location" in refused.headers) == (404, False)


async def test_a_link_that_is_revoked_or_expired_forwards_nowhere(api: Caller, settings: Settings) -> None:
    invoice = await api.open()
    link = await payment_link(api.client, invoice["id"])
    late = PaymentLink(link["id"], invoice["id"], datetime.now(UTC) - GRACE - timedelta(minutes=1))
    expired = await api.client.get(f"/pay/{sign(late, settings.link_keys[0])}/hosted")
    assert (expired.status_code, "This link has expired" in expired.text) == (403, True)
    await api.delete(f"/v1/invoices/{invoice['id']}/payment-link/{link['id']}")
    revoked = await api.client.get(f"{urlsplit(link['url']).path}/pdf")
    assert (revoked.status_code, "no longer in use" in revoked.text) == (403, True)


async def test_while_stripe_is_down_new_addresses_are_handed_out_and_old_ones_are_not(
    api: Caller, sandbox: Sandbox, database: Database
) -> None:
    new, old = await api.open(), await api.open()
    pages = [f"{await page_of(api, invoice)}/hosted" for invoice in (new, old)]
    await aged(database, old["id"])
    await sandbox.fault("*", "/v1/*", kind="status", status=503)
    assert (await api.client.get(pages[0])).headers["Location"] == new["hosted_invoice_url"]
    answer = await api.client.get(pages[1])
    assert (answer.status_code, "Location" in answer.headers) == (503, False)
    assert "Please try again in a moment" in answer.text
    await api.refused("GET", f"/v1/invoices/{old['id']}/hosted-pages", 503, "stripe_unavailable")
    await sandbox.clear_faults()


async def test_what_stripe_does_not_know_is_not_forwarded_to(api: Caller, sandbox: Sandbox, database: Database) -> None:
    invoice = await api.open()
    page = f"{await page_of(api, invoice)}/pdf"
    await aged(database, invoice["id"])
    await sandbox.fault("GET", "/v1/invoices/*", kind="status", status=404, code="resource_missing")
    answer = await api.client.get(page)
    assert (answer.status_code, "Location" in answer.headers) == (502, False)
    await api.refused("GET", f"/v1/invoices/{invoice['id']}/hosted-pages", 502, "stripe_error")
    await sandbox.clear_faults()


async def test_a_link_is_forwarded_only_so_often(make_app: MakeApp) -> None:
    api = await make_app(rate_limit_client_secret=1.0)
    one, other = [f"{await page_of(api, await api.open())}/hosted" for _ in range(2)]
    answers = await asyncio.gather(*(api.client.get(one) for _ in range(3 * SECRETS_AT_ONCE)))
    assert {answer.status_code for answer in answers} == {302, 429}
    assert (await api.client.get(other)).status_code == 302


async def test_our_pages_link_to_our_own_addresses(api: Caller) -> None:
    for invoice, act in ((await api.open(), "pay"), (await api.open(), "void")):
        page = await page_of(api, invoice)
        for path in (page, f"{page}/complete"):
            shown = (await api.client.get(path)).text
            assert f'href="{page}/pdf"' in shown
            assert invoice["hosted_invoice_url"] not in shown
        assert f'href="{page}/hosted"' in (await api.client.get(page)).text
        body = {"paid_out_of_band": True} if act == "pay" else None
        await api.post(f"/v1/invoices/{invoice['id']}/{act}", body)
        shown = (await api.client.get(page)).text
        assert f'href="{page}/pdf"' in shown
        assert invoice["invoice_pdf"] not in shown
