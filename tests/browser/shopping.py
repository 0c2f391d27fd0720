"""The pages of examples/react, built and served, and somebody who uses them.

`loadStripe` asks for its script on Stripe's own host. Chromium does not resolve that name: the request is answered with
what the sandbox serves at the same path.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import FrameLocator, Page, Route, expect

from dev.processes import Child
from tests.fixtures.ports import find_free_port
from tests.fixtures.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.browser.conftest import Person

REACT = Path(__file__).resolve().parents[2] / "examples/react"
VITE = REACT / "node_modules/vite/bin/vite.js"
PAYMENT, CARD = "Secure payment input frame", "Secure card payment input frame"
NUMBER, EXPIRY, CVC = "Secure card number input frame", "Secure expiration date input frame", "Secure CVC input frame"
ADDRESS, EMAIL = "Secure address input frame", "Secure email input frame"
Role = Literal["alert", "status"]


def build(*command: str, folder: Path, **settings: str) -> Path:
    if not VITE.exists():
        pytest.skip("vite is not installed: npm ci --prefix examples/react")
    done = subprocess.run(
        [*command, "--outDir", folder],
        cwd=REACT, env=os.environ | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@contextmanager
def served(built: Path, environment: dict[str, str], log: Path) -> Iterator[str]:
    port = find_free_port()
    command = ["node", str(VITE), "preview", "--outDir", str(built), "--port", str(port), "--host", "127.0.0.1"]
    child = Child("react", [*command, "--strictPort"], cwd=REACT, env=environment, log=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


async def answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


@dataclass
class Shopper:
    """Somebody on the pages of the shop."""

    person: Person
    url: str
    sandbox: Sandbox
    scripts: list[str]
    """The addresses of Stripe's that were asked for."""

    @property
    def page(self) -> Page:
        return self.person.page

    async def visit(self, page: str) -> None:
        await self.person.open(f"{self.url}/{page}")

    def frame(self, title: str = PAYMENT) -> FrameLocator:
        return self.page.frame_locator(f'iframe[title="{title}"]')

    async def types_card(self, number: str, *frames: str) -> None:
        """Fill in a card, in one frame or in one for each part."""
        titles = frames if len(frames) == 3 else (frames or (PAYMENT,)) * 3
        labels = ("Card number", "Expiration date", "Security code")
        for title, label, text in zip(titles, labels, (number, "1234", "123"), strict=True):
            await self.frame(title).get_by_label(label).fill(text)

    async def types_bank_account(self) -> None:
        frame = self.frame()
        await frame.get_by_role("tab", name="US bank account").click()
        for label, text in (("Full name", "Jenny Rosen"), ("Routing number", "110000000"),
                            ("Account number", "000123456789")):  # fmt: skip
            await frame.locator(".panel:not([hidden])").get_by_label(label).fill(text)

    async def types_address(self) -> None:
        frame = self.frame(ADDRESS)
        await frame.get_by_label("Country or region").select_option("Germany")
        for label, text in (("Full name", "Jenny Rosen"), ("Address line 1", "Ringstraße 1"), ("City", "Köln"),
                            ("Postal code", "50667"), ("Phone number", "+49 221 1")):  # fmt: skip
            await frame.get_by_label(label).fill(text)

    async def presses(self, name: str = "Pay") -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def sees(self, text: str | re.Pattern[str], role: Role = "status") -> None:
        await expect(self.page.get_by_role(role)).to_have_text(text)

    async def only(self, kind: str) -> dict[str, Any]:
        """The one object of a kind in the sandbox."""
        [found] = (await self.sandbox.state())[kind]
        return found

    async def serves_stripe(self) -> None:
        """Answer what is asked of Stripe's own host."""

        async def answer(route: Route) -> None:
            self.scripts.append(route.request.url)
            async with httpx.AsyncClient(trust_env=False) as client:
                found = await client.get(f"{self.sandbox.url}{urlsplit(route.request.url).path}")
            await route.fulfill(status=found.status_code, body=found.text, content_type=found.headers["content-type"])

        await self.person.context.route("https://js.stripe.com/**", answer)
