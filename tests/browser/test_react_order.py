"""The page of examples/react that takes an order over the invoicing service's client: unmodified React, hooks, and the service."""

from __future__ import annotations

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Route, expect

from tests.browser.shopping import Shopper, answers, served
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import API_KEY, Service
from tests.fixtures.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def react_environment(running_sandbox: Sandbox, service: Service) -> dict[str, str]:
    invoicing = {"INVOICING_URL": service.url, "INVOICING_API_KEY": API_KEY}
    return {**os.environ, **invoicing, "STRIPE_API_URL": running_sandbox.url}


async def test_an_order_is_paid_and_the_page_sees_it_fulfilled(shopper: Shopper) -> None:
    await shopper.visit("order")
    await shopper.types_card("4242424242424242")
    await shopper.presses()
    await shopper.sees(re.compile(r"Invoice \S+ is paid\. Your order is on its way\."))


async def test_a_decline_is_told_and_another_card_pays(shopper: Shopper) -> None:
    await shopper.visit("order")
    await shopper.types_card("4000000000009995")
    await shopper.presses()
    await shopper.sees(re.compile("insufficient funds"), "alert")
    await shopper.types_card("4242424242424242")
    await shopper.presses()
    await shopper.sees(re.compile("is paid"))


async def test_another_order_is_paid_by_its_own_secret(shopper: Shopper) -> None:
    await shopper.visit("order")
    said: list[str] = []
    for number in range(2):
        if number:
            await shopper.presses("Order the same again")
        await shopper.types_card("4242424242424242")
        await shopper.presses()
        await shopper.sees(re.compile("is paid"))
        said.append(await shopper.page.get_by_role("status").inner_text())
    assert said[0] != said[1]


async def test_an_order_stays_the_same_when_the_page_is_loaded_again(shopper: Shopper) -> None:
    await shopper.visit("order?order=in_unknown")
    await shopper.presses("Order again")
    await expect(shopper.frame().get_by_label("Card number")).to_be_visible()
    await shopper.page.goto(f"{shopper.page.url}&payment_intent_client_secret=pi_1_secret_1&redirect_status=failed")
    await shopper.types_bank_account()
    assert "secret" not in shopper.page.url
    await shopper.presses()
    await shopper.sees("The payment is on its way. You may leave this page.")
    await shopper.page.reload()
    await shopper.sees("The payment is on its way. You may leave this page.")
    made = await shopper.only("invoice")
    await shopper.sandbox.settle((await shopper.only("payment_intent"))["id"])
    await shopper.sees(re.compile(f"Invoice {made['number']} is paid"))


async def test_what_failed_once_is_tried_again(shopper: Shopper) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=500, json={"code": "internal_error", "detail": "Something went wrong here."})

    await shopper.page.route("**/client-secret", refuse, times=1)
    await shopper.visit("order")
    await expect(shopper.page.get_by_role("alert")).to_contain_text("Something went wrong here.")
    await shopper.presses("Try again")
    await shopper.types_card("4242424242424242")
    await shopper.presses()
    await shopper.sees(re.compile("is paid"))


async def test_the_server_survives_that_the_service_is_away(
    built_shop: Path, react_environment: dict[str, str], tmp_path: Path
) -> None:
    with served(built_shop, react_environment | {"INVOICING_URL": "http://127.0.0.1:9"}, tmp_path / "log") as url:
        await until(lambda: answers(url), within=30)
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(2):
                assert (await client.post(f"{url}/api/order", content="{}")).status_code == 500
