"""What an operator sees at the console, and who sees what."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from pydantic import SecretStr

from app.admin.views import VIEWS
from tests.console.conftest import MakeVisitor, Stocked, Visitor

PERSONAL = ("jenny.rosen@example.com", "Jenny Rosen", "+15550100")
LINK = re.compile(r'href="(/console/[^"]*|\?[^"]*)"')


async def crawled(visitor: Visitor, *, keys: bool = True) -> dict[str, str]:
    """Return every page that links lead to from the front page, by its address; `keys`: also those of callers."""
    found: dict[str, str] = {}
    waiting = [""]
    while waiting:
        address = waiting.pop()
        if address in found or len(found) > 400:
            continue
        path, _, query = address.partition("?")
        if path.startswith(("invoice/forward/", "stripe/")):  # leads to Stripe
            assert (await visitor.get(path)).status_code == 302
            continue
        found[address] = await visitor.page(path, **dict(parse_qsl(query)))
        for link in (written.replace("&amp;", "&") for written in LINK.findall(found[address])):
            wanted = f"{path}{link}" if link.startswith("?") else link.removeprefix("/console/")
            if not urlsplit(wanted).path.startswith("console.") and (keys or not wanted.startswith("api-key/")):
                waiting.append(wanted)
    return found


async def test_every_link_leads_to_a_page_every_view_is_among_them_and_none_shows_a_secret(
    stocked: Stocked, operator: Visitor
) -> None:
    await stocked.api.post(f"/v1/invoices/{stocked.open['id']}/payment-link")
    made = await stocked.key("invoices:read")
    secret = await stocked.api.get(f"/v1/invoices/{stocked.open['id']}/client-secret")
    await stocked.stage.rows(
        "INSERT INTO reminders (id, invoice, type, day, channel) VALUES ('rem_1', $1, 'invoice.reminded', -3, 'mail')",
        stocked.open["id"],
    )
    late = "UPDATE invoices SET stuck_since = now() - interval '1 day', next_step = 'contact_customer' WHERE id = $1"
    await stocked.stage.rows(late, stocked.open["id"])
    pages = await crawled(operator)
    assert "contact customer" in pages["stuck-invoice/list"].replace("_", " ")
    for view in VIEWS:
        assert f"{view.identity}/list" in pages
        if view.identity not in {
            "price",
            "product",
            "refund",
            "credit-note",
            "dispute",
            "tax-rate",
            "tax-id",
            "coupon",
            "promotion-code",
            "payment-method",
        }:  # nothing here has one
            assert [address for address in pages if address.startswith(f"{view.identity}/details/")]
    everything = "".join(pages.values())
    assert all(text in everything for text in PERSONAL)
    assert made["prefix"] in everything
    assert made["key"] not in everything
    assert secret["client_secret"] not in everything
    digests = await stocked.stage.rows("SELECT digest FROM api_keys")
    assert not [row for row in digests if row["digest"].hex() in everything]
    assert "v1=" not in everything
    assert "hear.example" in everything
    assert "not for your eyes" not in everything


async def test_who_may_only_look_sees_nobodys_data_and_no_keys(stocked: Stocked, visitor: Visitor) -> None:
    path, how = f"/v1/invoices/{stocked.open['id']}", {"amount": 500, "display_name": "Cheque of Jenny Rosen"}
    note = await stocked.api.post(f"{path}/credit-notes", {"amount": 500})
    await stocked.api.post(f"{path}/attach-payment", {"payment_record_data": how})
    await stocked.stage.tell(*await stocked.stage.events())
    reader = await stocked.key("console:read")
    assert (await visitor.login(reader["key"])).status_code == 303
    pages = await crawled(visitor, keys=False)
    everything = "".join(pages.values())
    assert not [text for text in PERSONAL if text in everything]
    assert not [url for url in (stocked.open["hosted_invoice_url"], note["pdf"]) if url in everything]
    assert "hear.example" not in everything
    assert "J•••" in everything
    assert not [address for address in pages if address.startswith(("api-key", "audit-entry", "rate-bucket"))]
    for hidden in ("api-key/list", "audit-entry/list", "rate-bucket/list", f"api-key/details/{reader['id']}"):
        assert (await visitor.get(hidden)).status_code == 403


async def test_an_invoice_shows_its_items_its_timeline_and_why_it_is_unpaid(
    stocked: Stocked, operator: Visitor
) -> None:
    page = await operator.page(f"invoice/details/{stocked.open['id']}")
    assert "Consulting" in page
    assert "20.00 USD" in page
    assert "create_invoice" in page
    assert f'/console/webhook-event/details/{stocked.dead}"' in page
    told = await stocked.api.get(f"/v1/invoices/{stocked.open['id']}/timeline")
    assert told["unpaid_because"] in page
    assert page.count('class="kind ') == len(told["data"])


async def test_an_admin_is_forwarded_to_stripes_pages_and_nobody_else_is(
    stocked: Stocked, operator: Visitor, make_visitor: MakeVisitor
) -> None:
    invoice = stocked.open
    for ours, name in (("hosted", "hosted_invoice_url"), ("pdf", "invoice_pdf")):
        path = f"invoice/forward/{invoice['id']}/{ours}"
        assert f'href="/console/{path}"' in await operator.page(f"invoice/details/{invoice['id']}")
        answer = await operator.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, invoice[name])
    for nowhere in ("in_nobody/hosted", f"{invoice['id']}/elsewhere"):
        assert (await operator.get(f"invoice/forward/{nowhere}")).status_code == 404
    stranger = await make_visitor()
    for status in (303, 403):  # to the log-in page, or refused
        refused = await stranger.get(f"invoice/forward/{invoice['id']}/pdf")
        assert (refused.status_code, invoice["invoice_pdf"] in refused.headers.get("Location", "")) == (status, False)
        await stranger.login((await stocked.key("console:read"))["key"])


async def test_names_stand_beside_the_ids_of_customers_and_invoices(
    stocked: Stocked, operator: Visitor, make_visitor: MakeVisitor
) -> None:
    customer, number = stocked.open["customer"], stocked.open["number"]
    await stocked.stage.rows("UPDATE customers SET name = '<b>Jenny</b>' WHERE id = $1", customer)
    reader = await make_visitor()
    await reader.login((await stocked.key("console:read"))["key"])
    for visitor, name in ((operator, "&lt;b&gt;Jenny&lt;/b&gt;"), (reader, "&lt;•••")):
        fulfillments = await visitor.page("fulfillment/list")
        assert f'<code>{customer}</code></a> <span class="name">{name}</span>' in fulfillments
        assert f'<code>{stocked.open["id"]}</code></a> <span class="name">{number}</span>' in fulfillments
    await stocked.stage.rows("UPDATE customers SET name = NULL WHERE id = $1", customer)
    page = await operator.page(f"invoice/details/{stocked.open['id']}")
    assert f'<code>{customer}</code></a> <span class="name">jenny.rosen@example.com</span>' in page
    assert f"<h1>{number} <code>" in page
    assert f'href="/console/refund/list?search={stocked.open["id"]}"' in page


async def test_times_are_utc_where_no_script_runs_and_money_has_its_unit(stocked: Stocked, operator: Visitor) -> None:
    page = await operator.page(f"invoice/details/{stocked.paid['id']}")
    assert re.search(
        r'<time datetime="[\d:T.+-]+\+00:00" title="[^"]+">\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</time>', page
    )
    assert '<span class="quiet">amount paid</span> <span class="amount">20.00 USD</span>' in page
    assert "text/javascript" in (await operator.get("console.js")).headers["content-type"]


async def test_links_lead_to_stripe_s_dashboard_in_the_mode_of_the_keys(
    stocked: Stocked, operator: Visitor, make_visitor: MakeVisitor
) -> None:
    paid = stocked.paid
    page = await operator.page(f"invoice/details/{paid['id']}")
    assert f'href="/console/stripe/{paid["id"]}"' in page
    assert f'href="/console/stripe/{paid["payment_intent"]}"' in page
    live = await make_visitor(stripe_secret_key=SecretStr("sk_live_not_a_key"))
    await live.login()
    pages = {"in_1A": "invoices", "cus_1A": "customers", "pi_1A": "payments", "re_1A": "refunds", "dp_1A": "disputes"}
    for visitor, mode in ((operator, "test/"), (live, "")):
        for stripes, name in pages.items():
            answer = await visitor.get(f"stripe/{stripes}")
            assert answer.headers["location"] == f"https://dashboard.stripe.com/{mode}{name}/{stripes}"
    for nowhere in ("evt_1A", "in_a%3Fb", "in_\u00e4", "in"):
        assert (await operator.get(f"stripe/{nowhere}")).status_code == 404


async def test_an_event_shows_its_payload_readably_and_redacted(stocked: Stocked, operator: Visitor) -> None:
    event = await stocked.stage.event("customer.created")
    page = await operator.page(f"webhook-event/details/{event['id']}")
    assert "&#34;Jenny Rosen&#34;" in page
    assert "jenny.rosen@example.com" not in page
    assert "  &#34;data&#34;: {" in page


async def test_a_viewer_does_not_see_what_fields_of_a_customer_were_before(stocked: Stocked, visitor: Visitor) -> None:
    customer = stocked.open["customer"]
    for word in ("tulips", "orchids"):
        change = {"description": f"likes {word}", "metadata": {"a": word}, "invoice_settings": {"footer": word}}
        await stocked.api.patch(f"/v1/customers/{customer}", change)
    await stocked.stage.tell(*await stocked.stage.events())
    updated = [
        row["id"] for row in await stocked.stage.rows("SELECT id FROM webhook_events WHERE payload LIKE '%tulips%'")
    ]
    assert len(updated) > 1
    await visitor.login((await stocked.key("console:read"))["key"])
    pages = [await visitor.page(f"webhook-event/details/{event}") for event in updated]
    assert not [page for page in pages if "tulips" in page or "orchids" in page]


async def test_pages_hold_every_row_once_newest_first(stocked: Stocked, operator: Visitor) -> None:
    await stocked.stage.rows(
        "INSERT INTO audit_log (actor, action, outcome) SELECT 'somebody', 'something', 'done' FROM generate_series(1, 120)"
    )
    seen: list[str] = []
    path: str | None = "audit-entry/list"
    while path is not None:
        address, _, query = path.partition("?")
        page = await operator.page(address, **dict(parse_qsl(query)))
        seen += re.findall(r"/console/audit-entry/details/(\w+)", page)
        older = re.search(r'href="(\?[^"]*after=[^"]*)">older', page)
        path = f"audit-entry/list{older[1].replace('&amp;', '&')}" if older else None
    assert seen == [row["id"] for row in await stocked.stage.rows("SELECT id FROM audit_log ORDER BY at DESC, id DESC")]


async def test_mirrored_rows_of_one_second_are_listed_newest_first_page_by_page(
    stocked: Stocked, operator: Visitor
) -> None:
    await stocked.stage.rows(
        "INSERT INTO products (id, livemode, created_at, updated_at, snapshot_since, snapshot_until, snapshot_digest, name, "
        "active, metadata) SELECT 'prod_' || md5(n::text), false, 'tomorrow', now(), now(), now(), '', 'A', true, '{}' "
        "FROM generate_series(1, 60) n"
    )
    first = await operator.page("product/list")
    older = re.search(r'href="(\?[^"]*after=[^"]*)">older', first)
    assert older
    second = await operator.page("product/list", **dict(parse_qsl(older[1].replace("&amp;", "&")[1:])))
    seen = re.findall(r"/console/product/details/(prod_\w{32})\b", first + second)
    made = await stocked.stage.rows("SELECT id FROM products WHERE created_at = 'tomorrow' ORDER BY sequence DESC")
    assert list(dict.fromkeys(seen)) == [row["id"] for row in made]


async def test_a_page_that_begins_nowhere_is_refused(operator: Visitor) -> None:
    for view in VIEWS:
        for cursor in ("nonsense", "~", "2026-01-01T00:00:00~"):
            answer = await operator.get(f"{view.identity}/list", after=cursor)
            assert answer.status_code in {200, 422}, view
        assert (await operator.get(f"{view.identity}/list", after="nonsense")).status_code == 422


async def test_a_search_finds_exactly_what_is_asked_for(stocked: Stocked, operator: Visitor) -> None:
    found = await operator.page("invoice/list", search=stocked.open["id"])
    assert stocked.open["id"] in found
    assert stocked.paid["id"] not in found
    assert "Nothing here." in await operator.page("invoice/list", search="in_nobody")
    for words in (stocked.open["number"], "jenny rosen", "Jenny.Rosen@example.com"):
        assert stocked.open["id"] in await operator.page("invoice/list", search=words)
    by_mail = await operator.page("customer/list", search="jenny.rosen@example.com")
    assert stocked.open["customer"] in by_mail


async def test_a_viewer_cannot_confirm_by_a_search_what_is_masked(stocked: Stocked, visitor: Visitor) -> None:
    reader = await stocked.key("console:read")
    await visitor.login(reader["key"])
    customer = stocked.open["customer"]
    await stocked.stage.rows("UPDATE customers SET reference = 'person-jenny' WHERE id = $1", customer)
    for masked in ("jenny.rosen@example.com", "person-jenny"):
        assert customer not in await visitor.page("customer/list", search=masked)
        assert "Nothing here." in await visitor.page("invoice/list", search=masked)
    assert customer in await visitor.page("customer/list", search=customer)


@pytest.mark.parametrize("nonsense", ["a\x00b", "nonsense", "9" * 40, "~", "x" * 3000])
async def test_what_cannot_be_in_a_table_is_not_found_in_it(stocked: Stocked, operator: Visitor, nonsense: str) -> None:
    for view in VIEWS:
        assert (await operator.get(f"{view.identity}/list", search=nonsense)).status_code in {200, 404}, view
        assert (await operator.get(f"{view.identity}/details/{quote(nonsense)}")).status_code == 404, view
        after = f"2026-01-01T00:00:00+00:00~{nonsense}"
        assert (await operator.get(f"{view.identity}/list", after=after)).status_code in {200, 404, 422}, view
    for form in ({"id": nonsense}, {"id": [nonsense, stocked.dead]}):
        assert (await operator.post("webhook-event/replay", **form)).status_code in {303, 404}
    assert (await operator.login(nonsense)).status_code == 401


async def test_a_list_is_narrowed_by_state_and_by_slice(stocked: Stocked, operator: Visitor) -> None:
    dead = await operator.page("webhook-event/list", status="dead")
    assert re.findall(r"/console/webhook-event/details/(\w+)", dead) == [stocked.dead]
    await stocked.stage.rows("UPDATE invoices SET due_at = now() - interval '1 day' WHERE id = $1", stocked.open["id"])
    overdue = await operator.page("invoice/list", only="overdue")
    assert stocked.open["id"] in overdue
    assert stocked.paid["id"] not in overdue
    everything = await operator.page("invoice/list", status="'; DROP TABLE invoices", only="nothing")
    assert stocked.paid["id"] in everything


async def test_the_front_page_counts_what_waits_and_draws_what_was(stocked: Stocked, operator: Visitor) -> None:
    for span in ("day", "week", "month", "nonsense"):
        page = await operator.page("", span=span)
        assert "<strong>1</strong> dead letters" in page
        assert "<strong>1</strong> open invoices" in page
        assert page.count("<svg") == 2
        assert "1 paid, 0 failed, 1 pending</title>" in page
        assert "No comparison has been made yet" in page


async def test_coverage_is_told_once_there_is_some(stocked: Stocked, operator: Visitor) -> None:
    await stocked.stage.container.reconciler().reconcile()
    assert "Nothing is missing up to" in await operator.page("")


async def test_what_is_not_there_is_not_found(operator: Visitor) -> None:
    assert (await operator.get("invoice/details/in_nobody")).status_code == 404
    assert (await operator.get("nothing/list")).status_code == 404


async def test_a_live_deployment_says_so_on_every_page(make_visitor: MakeVisitor) -> None:
    assert 'class="mode test"' in (await (await make_visitor()).get("login")).text
    live = await make_visitor(stripe_secret_key=SecretStr("sk_live_not_a_key"))
    assert 'class="mode live"' in (await live.get("login")).text


async def test_fulfillments_are_listed_by_the_status_that_the_api_shows(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.open["id"]
    await stocked.stage.rows("UPDATE fulfillments SET later_status = 'action_required' WHERE invoice = $1", invoice)
    waiting = await operator.page("fulfillment/list", status="action_required")
    assert invoice in waiting
    assert invoice not in await operator.page("fulfillment/list", status="awaiting_payment")
    assert "action_required" in waiting
