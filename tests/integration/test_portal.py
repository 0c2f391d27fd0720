"""A customer's own pages: what they show, whose they are, and how a link ends."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.domain.errors import Forbidden
from app.domain.payment_link import PaymentLink, PortalLink, sign
from app.languages.language import language
from app.payment_links.pages.rendering import method_name
from app.settings import Settings
from tests.fixtures.billing import open_invoice, payment_link, posted
from tests.fixtures.caller import Caller
from tests.fixtures.postgres import Database
from tests.fixtures.service import API_KEY

NOBODY = {"Authorization": ""}


async def portal_link(client: httpx.AsyncClient, customer: str, **params: Any) -> Any:
    return await posted(client, f"/v1/customers/{customer}/portal-link", params or None)


def token_of(link: Any) -> str:
    return str(link["url"].rpartition("/")[2])


async def customer_with_invoices(client: httpx.AsyncClient, **fields: Any) -> tuple[str, Any, Any]:
    customer = (await posted(client, "/v1/customers", {"name": "Jenny Rosen", "email": "jenny@example.com", **fields}))[
        "id"
    ]
    opened, paid = [await open_invoice(client, customer=customer) for _ in range(2)]
    await posted(client, f"/v1/invoices/{paid['id']}/pay", {"payment_method": "pm_card_visa"})
    return customer, opened, paid


async def test_the_page_shows_what_is_open_first_and_what_was_paid_with_its_receipt(
    app_client: httpx.AsyncClient,
) -> None:
    customer, opened, paid = await customer_with_invoices(app_client)
    draft = await open_invoice(app_client, customer=customer, finalize=False)
    other = await open_invoice(app_client)
    methods = f"/v1/customers/{customer}/payment-methods"
    await posted(app_client, methods, {"payment_method": "pm_card_visa", "set_default": True})
    await posted(app_client, f"/v1/customers/{customer}/tax-ids", {"type": "eu_vat", "value": "DE123456789"})
    link = await portal_link(app_client, customer)
    assert link["id"].startswith("prtl_")
    answer = await app_client.get(link["url"], headers=NOBODY)
    assert answer.status_code == 200
    page = answer.text
    assert page.index(opened["number"]) < page.index("Earlier invoices") < page.index(paid["number"])
    assert "1 invoice is open." in page
    assert "Visa ending in 4242, valid until 12/" in page
    assert "DE123456789" in page
    assert f"/{paid['id']}/hosted" in page
    for foreign in (draft["id"], other["id"], "_secret_", "sk_test"):
        assert foreign not in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Vary"] == "Accept-Language"
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*(?:src=|application/json))", page)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("locales", "header", "tag", "said"),
    [
        ({"preferred_locales": ["ja"]}, "de", "ja", "未払いの請求書が 1 件あります。"),
        ({}, "de-AT", "de-AT", "1 Rechnung ist offen."),
    ],
)
async def test_the_page_is_in_the_customer_s_language(
    app_client: httpx.AsyncClient, locales: dict[str, list[str]], header: str, tag: str, said: str
) -> None:
    customer, *_ = await customer_with_invoices(app_client, **locales)
    link = await portal_link(app_client, customer)
    page = (await app_client.get(link["url"], headers={"Accept-Language": header})).text
    assert f'<html lang="{tag}">' in page
    assert said in page


async def test_it_leads_to_the_payment_page_and_to_stripe_s_pages_of_its_own_invoices(
    app_client: httpx.AsyncClient,
) -> None:
    customer, opened, paid = await customer_with_invoices(app_client)
    foreign = await open_invoice(app_client)
    url = (await portal_link(app_client, customer))["url"]
    pay = await app_client.get(f"{url}/{opened['id']}/pay", headers=NOBODY)
    assert (pay.status_code, pay.headers["Cache-Control"]) == (302, "no-store")
    page = await app_client.get(pay.headers["Location"], headers=NOBODY)
    assert opened["number"] in page.text
    again = await app_client.get(f"{url}/{opened['id']}/pay", headers=NOBODY)
    assert again.headers["Location"].split(".")[0] == pay.headers["Location"].split(".")[0]
    for name, field in (("hosted", "hosted_invoice_url"), ("pdf", "invoice_pdf")):
        answer = await app_client.get(f"{url}/{paid['id']}/{name}", headers=NOBODY)
        assert (answer.status_code, answer.headers["Location"]) == (302, paid[field])
    for bad in (f"{foreign['id']}/pay", f"{foreign['id']}/pdf", "in_none/pay", f"{paid['id']}/nothing", "%00/pay"):
        assert (await app_client.get(f"{url}/{bad}", headers=NOBODY)).status_code == 404


async def test_with_its_token_a_customer_manages_what_is_theirs(
    person: Callable[[str], httpx.AsyncClient],
) -> None:
    merchant = person(API_KEY)
    customer, opened, _ = await customer_with_invoices(merchant)
    link = await portal_link(merchant, customer)
    jenny = person(token_of(link))
    method = await posted(merchant, f"/v1/customers/{customer}/payment-methods", {"payment_method": "pm_card_visa"})
    mine = "/v1/customers/me"
    setup = await posted(jenny, f"{mine}/setup-intent")
    assert setup["client_secret"].startswith(setup["id"])
    assert (await posted(jenny, f"{mine}/payment-methods/{method['id']}/default"))["is_default"] is True
    tax_id = await posted(jenny, f"{mine}/tax-ids", {"type": "eu_vat", "value": "DE123456789"})
    assert tax_id["customer"] == customer
    assert [one["id"] for one in (await jenny.get(f"{mine}/tax-ids")).json()["data"]] == [tax_id["id"]]
    assert (await jenny.delete(f"{mine}/tax-ids/{tax_id['id']}")).status_code == 200
    assert (await jenny.delete(f"{mine}/payment-methods/{method['id']}")).status_code == 200
    assert (await jenny.get(f"{mine}/payment-methods")).json()["data"] == []
    secret = await jenny.get(f"/v1/invoices/{opened['id']}/client-secret")
    assert secret.json()["client_secret"]
    assert (await merchant.get(f"{mine}/payment-methods")).status_code == 404  # a key is nobody's customer
    entries = (await merchant.get("/v1/audit-log", params={"limit": 100})).json()["data"]
    mine_too = {entry["action"] for entry in entries if entry["actor"] == link["id"]}
    assert {"create_setup_intent", "set_default_payment_method", "detach_payment_method", "delete_tax_id"} <= mine_too


async def test_a_revoked_an_expired_and_a_tampered_link_open_nothing(
    settings: Settings, person: Callable[[str], httpx.AsyncClient]
) -> None:
    merchant = person(API_KEY)
    customer, opened, _ = await customer_with_invoices(merchant)
    other = (await posted(merchant, "/v1/customers", {"name": "Oscar"}))["id"]
    link, kept = await portal_link(merchant, customer), await portal_link(merchant, customer)
    opens, others = [
        [(await merchant.get(f"{one['url']}/{opened['id']}/pay", headers=NOBODY)).headers["Location"]]
        for one in (link, kept)
    ]
    others.append((await payment_link(merchant, opened["id"]))["url"])
    assert [(await merchant.get(url, headers=NOBODY)).status_code for url in (*opens, *others)] == [200] * 3
    path = f"/v1/customers/{customer}/portal-link/{link['id']}"
    assert (await merchant.delete(path.replace(customer, other))).status_code == 404
    for _ in range(2):
        assert (await merchant.delete(path)).json() == {"id": link["id"], "deleted": True}
    assert [(await merchant.get(url, headers=NOBODY)).status_code for url in (*opens, *others)] == [403, 200, 200]
    now = datetime.now(UTC).replace(microsecond=0)
    key = settings.link_keys[0]
    identifier, _, expiry, signature = token_of(kept).split(".")
    dead = {
        token_of(link): 403,
        sign(PortalLink(kept["id"], customer, now - timedelta(seconds=1)), key): 403,
        f"{identifier}.{other}.{expiry}.{signature}": 404,
        f"{identifier}.{customer}.{int(expiry) + 9}.{signature}": 404,
        token_of(kept)[:-1]: 404,
        sign(PortalLink("prtl_" + "0" * 32, customer, now + timedelta(days=1)), key): 404,
        sign(PortalLink(kept["id"], other, now + timedelta(days=1)), key): 404,
        sign(PaymentLink(kept["id"], customer, now + timedelta(days=1)), key): 404,
        token_of(await payment_link(merchant, opened["id"])): 404,
        "prtl_": 404,
    }
    for token, status in dead.items():
        for ending in ("", f"/{opened['id']}/pay", f"/{opened['id']}/pdf"):
            assert (await merchant.get(f"/portal/{token}{ending}", headers=NOBODY)).status_code == status, token
        assert (await person(token).get("/v1/invoices")).status_code == 401, token
    assert (await merchant.get(f"/pay/{token_of(kept)}", headers=NOBODY)).status_code == 404
    assert (await person(token_of(kept)).get("/v1/invoices")).status_code == 200
    await merchant.delete(f"/v1/customers/{customer}")
    assert (await merchant.get(kept["url"], headers=NOBODY)).status_code == 404
    assert [(await merchant.get(url, headers=NOBODY)).status_code for url in others] == [403, 200]


async def test_the_pages_of_a_link_count_as_requests_of_its_customer(
    make_app: Callable[..., Awaitable[Caller]],
) -> None:
    merchant = (await make_app(rate_limit_customer=1)).client
    customer, opened, _ = await customer_with_invoices(merchant)
    links = [await portal_link(merchant, customer) for _ in range(2)]
    asked = [f"{links[0]['url']}{ending}" for ending in ("", f"/{opened['id']}/pay", "")]
    answers = [await merchant.get(url, headers=NOBODY) for url in asked]
    assert [answer.status_code for answer in answers] == [200, 302, 429]
    assert answers[2].headers["Retry-After"] == "1"
    script = {"Authorization": f"Bearer {token_of(links[0])}"}
    assert (await merchant.get("/v1/invoices", headers=script)).status_code == 429
    assert (await merchant.get(links[1]["url"], headers=NOBODY)).status_code == 200


async def test_a_link_that_is_revoked_while_it_is_opened_leads_to_no_payment_page(live: Caller) -> None:
    invoice = await live.open()
    portal = f"/v1/customers/{invoice['customer']}/portal-link"
    link = await live.container.portal_links.link_of(token_of(await live.post(portal)))
    await live.delete(f"{portal}/{link.id}")
    with pytest.raises(Forbidden, match="revoked"):
        await live.container.payment_links.url_in_portal(link, invoice["id"])


async def test_a_link_is_made_for_a_customer_that_there_is_and_its_address_is_stored_nowhere(
    app_client: httpx.AsyncClient, database: Database
) -> None:
    customer = (await posted(app_client, "/v1/customers", {"name": "Jenny"}))["id"]
    assert (await app_client.post("/v1/customers/cus_none/portal-link")).status_code == 404
    for when in (timedelta(seconds=-1), timedelta(days=366)):
        until = (datetime.now(UTC) + when).isoformat()
        refused = await app_client.post(f"/v1/customers/{customer}/portal-link", json={"expires_at": until})
        assert (refused.status_code, refused.json()["param"]) == (422, "expires_at")
    key = {"Idempotency-Key": "portal-1"}
    first, again = [await app_client.post(f"/v1/customers/{customer}/portal-link", headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert {first.headers["Cache-Control"], again.headers["Cache-Control"]} == {"no-store"}
    left = datetime.fromisoformat(first.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    connection = await database.connect()
    stored = await connection.fetch("SELECT row_to_json(operations)::text FROM operations")
    stored += await connection.fetch("SELECT row_to_json(portal_links)::text FROM portal_links")
    await connection.close()
    signature = token_of(first.json()).rpartition(".")[2]
    assert len(stored) > 1
    assert not [row for row in stored if signature in row[0]]


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ({"brand": "amex", "type": "card", "last4": "0005", "exp_month": 3, "exp_year": 2030}, "American Express ending in 0005, valid until 03/2030"),
        ({"brand": None, "type": "sepa_debit", "last4": "3201", "exp_month": None, "exp_year": None}, "SEPA Direct Debit ending in 3201"),
        ({"brand": None, "type": "cashapp", "last4": None, "exp_month": None, "exp_year": None}, "Cashapp"),
    ],
)  # fmt: skip
def test_a_payment_method_is_called_by_what_its_owner_knows(method: dict[str, Any], said: str) -> None:
    assert method_name(method, language("en")) == said
