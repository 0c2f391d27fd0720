"""The page of examples/react that takes an order over the invoicing service's client: unmodified React, hooks, and the service."""

from __future__ import annotations

import os
import re

import pytest

from tests.browser.shopping import Shopper
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import API_KEY, Service

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
