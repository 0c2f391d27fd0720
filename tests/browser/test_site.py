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


def test_every_address_on_the_site_is_a_file_of_it(site: Path) -> None:
    """Links into the web are a reader's to follow; nothing is loaded from there."""
    missing = []
    for page in site.rglob("*.html"):
        for kind, address in re.findall(r'\b(src|href)="([^"#?]+)', page.read_text()):
            away = kind == "href" and address.startswith("https://")
            if not (away or address.startswith("data:") or (page.parent / unquote(address)).exists()):
                missing.append(f"{page.name}: {address}")
    assert missing == []
