"""A person pays in a real browser: how long from the click to "paid" on the screen, and what the page weighs.

Needs chromium. Stripe is the sandbox on this machine, so that what is measured is everything but Stripe and the way there.
"""

import time
from statistics import median

import httpx
from playwright.async_api import Page, Response, async_playwright

from bench.report import Section, at_most
from bench.stage import API_KEY, Stage
from dev.chromium import CHROMIUM

PAID = "Thank you, this invoice is paid"
MOST_BYTES = 50_000


async def run(stage: Stage) -> Section:
    """Pay one invoice after another, each in a fresh profile."""
    name, port = await stage.create("paying"), stage.port()
    stripe = f"http://127.0.0.1:{port}"
    keys = {"STRIPE_PUBLISHABLE_KEY": "pk_test_bench", "STRIPE_JS_URL": f"{stripe}/stripe.js"}
    api = await stage.service(name, STRIPE_API_BASE=stripe, **keys)
    await stage.worker(name, STRIPE_API_BASE=stripe)
    await stage.sandbox(port, api.port)
    url, headers = f"http://127.0.0.1:{api.port}", {"Authorization": f"Bearer {API_KEY}"}
    rounds: list[tuple[float, float, int]] = []
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client,
        async_playwright() as driver,
    ):
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        for _ in range(2 if stage.quick else 21):
            page = await browser.new_page()
            rounds.append(await _paid(page, await _link(client), url))
            await page.close()
        await browser.close()
    usable, paid, weight = (median(column) for column in zip(*rounds[1:], strict=True))
    return Section(
        "paying",
        "A person pays in a browser",
        ["s to usable form", "s from click to paid", "page bytes"],
        [("card", [usable, paid, weight])],
        [at_most("page without Stripe.js", weight, MOST_BYTES, "bytes")],
        {"card": rounds},
    )


async def _link(client: httpx.AsyncClient) -> str:
    async def post(path: str, body: dict[str, object]) -> dict[str, str]:
        found: dict[str, str] = (await client.post(path, json=body)).raise_for_status().json()
        return found

    customer = await post("/v1/customers", {"email": "jenny.rosen@example.com"})
    items = [{"amount": 28_900, "currency": "usd", "description": "Consulting"}]
    terms = {"customer": customer["id"], "days_until_due": 30, "finalize": True}
    invoice = await post("/v1/invoices", {**terms, "items": items})
    return (await post(f"/v1/invoices/{invoice['id']}/payment-link", {}))["url"]


async def _paid(page: Page, link: str, ours: str) -> tuple[float, float, int]:
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response))  # noqa: PLW0108 -- Playwright marks what it is given
    started = time.perf_counter()
    await page.goto(link)
    fields = page.frame_locator("#element iframe")
    await fields.get_by_label("Card number").fill("4242424242424242")
    usable = time.perf_counter() - started
    weight = sum([len(await one.body()) for one in loaded if one.url.startswith(ours)])
    await fields.get_by_label("Expiration date").fill("12 / 34")
    await fields.get_by_label("Security code").fill("123")
    clicked = time.perf_counter()
    await page.locator("#pay").click()
    await page.get_by_text(PAID).wait_for()
    return usable, time.perf_counter() - clicked, weight
