"""The site of the documentation: its search answers a newcomer's questions without a server, and its links lead somewhere."""

import re
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Person

QUESTIONS = {
    "refund part of an invoice": "refunds",
    "invoice not fulfilled": "troubleshooting",
    "how do I rotate the webhook secret": "operations",
    "go live": "production",
    "port in use": "troubleshooting",
    "redeliver many": "api/webhook-endpoints",
    "application_fee_amount": "api/invoices",
}
"""What is searched for, and the page that must come first."""


@pytest.mark.parametrize(("question", "page"), QUESTIONS.items())
async def test_a_question_finds_its_page_without_a_server(person: Person, site: Path, question: str, page: str) -> None:
    await person.open(f"{(site / 'search.html').as_uri()}?q={quote(question)}")
    await expect(person.page.locator(".search-summary")).to_contain_text("Search finished")
    results = await person.page.locator("ul.search li a").all()
    assert page in str(await results[0].get_attribute("href")), [await one.inner_text() for one in results]


def test_every_address_on_the_site_is_a_place_on_it(site: Path) -> None:
    """Links into the web are a reader's to follow; nothing is loaded from there."""
    texts = {page.resolve(): page.read_text() for page in site.rglob("*.html")}
    missing = []
    for page, text in texts.items():
        for kind, address in set(re.findall(r'\b(src|href)="([^"]+)', text)):
            if address.startswith("data:") or (kind == "href" and address.startswith("https://")):
                continue
            path, _, anchor = unquote(address).partition("#")
            there = (page.parent / path.partition("?")[0]).resolve() if path else page
            if not there.exists() or (anchor and f'id="{anchor}"' not in texts[there]):
                missing.append(f"{page.name}: {address}")
    assert missing == []
