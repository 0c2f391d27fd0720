"""What the payment pages look like to people, browsers and assistive technology."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Frame, expect

from app.domain.payment_link import PaymentLink, sign
from tests.browser.conftest import PROJECT, Bill, Billed, NewPerson, Person
from tests.fixtures.billing import ITEMS, posted
from tests.fixtures.service import LINK_SIGNING_KEY, Service

AXE = PROJECT / "tests/browser/node_modules/axe-core/axe.min.js"
LIGHTEST = 50_000

pytestmark = pytest.mark.e2e


async def test_the_page_says_what_is_owed_and_why(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    text = await person.page.locator("main").inner_text()
    said = [
        "Sandbox Ltd",
        "Jenny Rosen",
        "PO number",
        "4711",
        "VAT ID",
        "DE123456789",
        "Thank you for working with us.",
    ]
    said += [str(bill.invoice["number"]), "$289.00", "$240.00", "$49.00", *(str(item["description"]) for item in ITEMS)]
    assert not [words for words in said if words not in text]
    due = datetime.fromisoformat(bill.invoice["due_at"])
    assert f"due {due:%B} {due.day}, {due.year}" in text


async def test_amounts_and_dates_are_written_the_person_s_way(new_person: NewPerson, billed: Billed) -> None:
    yen = [{"amount": 12_345, "currency": "jpy", "description": "Consulting"}]
    bill = await billed(items=yen, currency="jpy")
    german = await new_person(locale="de-DE")
    await german.open(bill.url)
    due = datetime.fromisoformat(bill.invoice["due_at"])
    await expect(german.page.locator(".owed")).to_contain_text("12.345\u00a0¥")
    await expect(german.page.locator(".due")).to_contain_text(f"fällig am {due.day}. ")


async def test_without_scripts_the_page_still_says_what_is_owed_and_where_to_pay(
    new_person: NewPerson, bill: Bill
) -> None:
    person = await new_person(scripts=False)
    await person.open(bill.url)
    await person.says("$289.00")
    await expect(person.page.get_by_role("link", name="Pay on Stripe\u2019s page")).to_be_visible()


async def test_where_stripe_js_does_not_load_another_way_is_shown(person: Person, bill: Bill) -> None:
    await person.context.route("**/stripe.js", lambda route: route.abort())
    await person.open(bill.url)
    await person.says("The payment form could not be loaded.")
    elsewhere = person.page.get_by_role("link", name="Pay on Stripe\u2019s page instead")
    await expect(elsewhere).to_have_attribute("href", re.compile(r"^/pay/plk_[^/]+/hosted$"))


@pytest.mark.parametrize(
    ("action", "body", "title"),
    [
        ("pay", {"payment_method": "pm_card_visa"}, "This invoice is paid"),
        ("void", None, "This invoice was canceled"),
        ("mark-uncollectible", None, "This invoice can no longer be paid here"),
    ],
)
async def test_an_invoice_that_cannot_be_paid_is_explained(
    person: Person, bill: Bill, service: Service, action: str, body: dict[str, Any] | None, title: str
) -> None:
    await posted(service.client, f"/v1/invoices/{bill.invoice['id']}/{action}", body)
    await person.open(bill.url)
    await expect(person.page.get_by_role("heading", name=title)).to_be_visible()
    await expect(person.page.locator("iframe")).to_have_count(0)
    await person.shot(f"notice-{action}")


async def test_an_invoice_voided_while_the_form_is_open_is_explained(
    person: Person, bill: Bill, service: Service
) -> None:
    await person.open(bill.url)
    await person.ready()
    await posted(service.client, f"/v1/invoices/{bill.invoice['id']}/void")
    await person.card("4242424242424242")
    await person.pay()
    await person.says("This invoice was canceled")
    assert (await bill.read())["status"] == "void"


async def test_links_that_no_longer_work_are_explained(person: Person, bill: Bill, service: Service) -> None:
    gone = PaymentLink(bill.link["id"], bill.invoice["id"], datetime.now(UTC) - timedelta(days=1))
    expired = f"{service.url}/pay/{sign(gone, LINK_SIGNING_KEY.encode())}"
    await person.open(expired)
    await person.says("This link has expired")
    await person.shot("expired")
    await person.open(f"{expired}/complete")
    await person.says("This link has expired")
    await person.open(bill.url[:-1])
    await person.says("This link does not open anything")
    await service.client.delete(f"/v1/invoices/{bill.invoice['id']}/payment-link/{bill.link['id']}")
    await person.open(bill.url)
    await person.says("This link is no longer in use")


async def test_a_link_revoked_while_its_page_is_open_ends_there(person: Person, bill: Bill, service: Service) -> None:
    await person.open(f"{bill.url}/complete")
    await person.says("No payment has arrived yet")
    await service.client.delete(f"/v1/invoices/{bill.invoice['id']}/payment-link/{bill.link['id']}")
    await person.says("This link is no longer in use")


async def test_the_return_page_believes_no_other_invoice_s_payment(person: Person, billed: Billed) -> None:
    paid, bill = await billed(), await billed()
    await person.open(paid.url)
    await person.ready()
    await person.card("4242424242424242")
    await person.pay()
    await person.says("this invoice is paid")
    secret = paid.invoice["client_secret"]
    await person.open(f"{bill.url}/complete?payment_intent={paid.intent}&payment_intent_client_secret={secret}")
    await person.says("No payment has arrived yet")


async def test_320_pixels_are_enough(new_person: NewPerson, bill: Bill) -> None:
    person = await new_person((320, 640))
    await person.open(bill.url)
    await person.ready()
    assert await person.page.evaluate("document.documentElement.scrollWidth") <= 320
    await person.shot("mobile")
    await person.card("4242424242424242")
    await person.pay()
    await person.says("Visa ending in 4242")
    assert await person.page.evaluate("document.documentElement.scrollWidth") <= 320
    await person.shot("mobile-paid")


async def test_many_items_leave_the_button_in_reach(new_person: NewPerson, billed: Billed) -> None:
    items = [{"amount": 100, "currency": "usd", "description": f"Item {number}"} for number in range(250)]
    bill = await billed(items=items)
    phone, desk = await new_person((375, 667)), await new_person()
    for person, shown in ((phone, False), (desk, True)):
        await person.open(bill.url)
        await person.ready()
        await expect(person.page.get_by_role("cell", name="Item 249")).to_be_visible(visible=shown)
        await person.shot(f"many-items-{'desk' if shown else 'phone'}")
        await no_violations(person)
    box = await phone.button.bounding_box()
    assert box
    assert box["y"] < 2 * 667
    await phone.page.get_by_text("250 items").click()
    await expect(phone.page.get_by_role("cell", name="Item 249")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
async def test_axe_finds_nothing(new_person: NewPerson, bill: Bill, dark: bool) -> None:  # noqa: FBT001
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/browser")
    person = await new_person(dark=dark)
    look = "dark" if dark else "light"
    for variant in ("payment", "card"):
        await person.open(f"{bill.url}?element={variant}")
        await person.ready()
        await person.shot(f"{variant}-{look}")
        await no_violations(person)
    await person.open(bill.url)
    await person.ready()
    await person.card("4000000000000002", cvc="1")
    await person.pay()
    await no_violations(person)
    await person.card("4000000000000002")
    await person.pay()
    await person.says("Your card was declined.")
    await no_violations(person)
    await person.card("4242424242424242")
    await person.pay()
    await person.says("Visa ending in 4242")
    await person.shot(f"paid-{look}")
    await no_violations(person)
    for url in (bill.url, f"{bill.url}x"):
        await person.open(url)
        await no_violations(person)


async def no_violations(person: Person) -> None:
    """Each frame by itself: axe cannot look into a frame of another origin."""
    found = []
    for frame in person.page.frames:
        found += await _violations(frame)
    assert not found


async def _violations(frame: Frame) -> list[str]:
    await frame.evaluate(AXE.read_text())
    if frame.parent_frame:
        # By itself the frame lies on white; on the page it lies on what is around it.
        behind = "frame => getComputedStyle(frame.closest('section')).backgroundColor"
        color = await (await frame.frame_element()).evaluate(behind)
        await frame.evaluate("color => { document.documentElement.style.background = color; }", color)
    # A frame's own document is a part of a page: what belongs to whole pages is checked on the page around it.
    whole = frame.parent_frame is None
    rules = (
        {} if whole else {name: {"enabled": False} for name in ("region", "page-has-heading-one", "landmark-one-main")}
    )
    result = await frame.evaluate("options => axe.run(document, options)", {"rules": rules, "iframes": False})
    assert result["passes"]
    return [f"{found['id']}: {[node['html'] for node in found['nodes']]}" for found in result["violations"]]


async def test_the_page_weighs_less_than_fifty_kilobytes_without_stripe_js(person: Person, bill: Bill) -> None:
    sizes: dict[str, int] = {}

    async def weigh(url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            sizes[url] = len((await client.get(url)).content)

    loaded: list[str] = []
    person.page.on("request", lambda request: loaded.append(request.url))
    await person.open(bill.url)
    await person.ready()
    ours = [url for url in loaded if url.startswith(bill.service.url)]
    for url in ours:
        await weigh(url)
    assert {url.rpartition("/")[2] for url in ours} >= {"pay.js", "pages.css"}
    assert sum(sizes.values()) < LIGHTEST


async def test_the_page_allows_its_own_files_and_stripe_and_nothing_inline(bill: Bill) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for path in ("", "/complete"):
            answer = await client.get(f"{bill.url}{path}")
            policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == "'none'"
            assert policy["frame-ancestors"] == "'none'"
            assert policy["script-src"] == f"'self' {bill.sandbox.url} https://*.js.stripe.com"
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "strict-origin"
            assert "_secret_" not in answer.text
            assert " style=" not in answer.text
            assert "<script>" not in answer.text


async def test_tokens_and_client_secrets_stay_out_of_the_log(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card("4242424242424242")
    await person.pay()
    await person.says("this invoice is paid")
    signature = bill.url.rpartition(".")[2]
    for name in ("api", "worker"):
        log = bill.service.logs(name)
        assert signature not in log
        assert "_secret_" not in log
    assert "/pay/" in bill.service.logs("api")
