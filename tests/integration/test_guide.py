"""The guide at /docs/guide: in development alone, under a policy that lets its own scripts run and no others."""

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest

from app.http import docs
from app.main import create_app
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.service import client_of


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the guide is looked for."""
    monkeypatch.setattr(docs, "GUIDE", tmp_path / "guide")
    return tmp_path / "guide"


@pytest.fixture
def built(folder: Path) -> None:
    folder.mkdir()
    (folder / "index.html").write_text("<title>Invoicing</title>")
    (folder / "refunds.html").write_text("<title>Refunds</title>")


async def test_in_development_the_guide_is_served(built: None, app_client: httpx.AsyncClient) -> None:
    there = await app_client.get("/docs/guide", headers={"Authorization": ""})
    assert (there.status_code, there.headers["location"]) == (307, "/docs/guide/")
    for address, title in (("/docs/guide/", "Invoicing"), ("/docs/guide/refunds.html", "Refunds")):
        page = await app_client.get(address, headers={"Authorization": ""})
        assert (page.status_code, page.text) == (200, f"<title>{title}</title>")
        assert page.headers["content-security-policy"] == docs.GUIDE_CSP
    assert (await app_client.get("/docs/guide/nothing.html")).json()["code"] == "not_found"


async def test_where_it_is_not_built_a_page_says_how(app_client: httpx.AsyncClient) -> None:
    page = await app_client.get("/docs/guide/")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "make docs" in page.text


async def test_in_production_there_is_no_guide(built: None, settings: Settings) -> None:
    application = create_app(settings.model_copy(update={"environment": "production"}))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with running(application), client_of("http://x", transport) as client:
        for address in ("/docs/guide", "/docs/guide/", "/docs/guide/refunds.html"):
            assert (await client.get(address)).json()["code"] == "not_found"


def test_the_guide_runs_no_script_that_the_policy_does_not_name(site: Path) -> None:
    allowed = set(re.findall(r"'(sha256-[^']+)'", docs.GUIDE_CSP))
    inline = {
        script
        for page in site.rglob("*.html")
        for script in re.findall(r"<script>(.*?)</script>", page.read_text(), re.DOTALL)
    }
    assert {f"sha256-{base64.b64encode(hashlib.sha256(it.encode()).digest()).decode()}" for it in inline} == allowed
