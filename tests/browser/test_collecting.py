"""What a payer sees of a bank transfer from its instructions to its end, and of a card that is saved."""

import httpx
import pytest

from tests.browser.conftest import Bill, Billed, NewPerson, Person
from tests.fixtures.billing import payment_link
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service

pytestmark = pytest.mark.e2e
TRANSFER = {"payment_method_types": ["customer_balance"]}
ITEM = {"amount": 28_900, "currency": "eur", "description": "Consulting, two days"}


async def fund(sandbox: Sandbox, bill: Bill, amount: int) -> None:
    path = f"/v1/test_helpers/customers/{bill.invoice['customer']}/fund_cash_balance"
    answer = await sandbox.dashboard.post(path, data={"amount": amount, "currency": "eur"})
    assert answer.status_code == httpx.codes.OK, answer.text


async def test_a_bank_transfer_is_followed_part_by_part(
    billed: Billed, new_person: NewPerson, sandbox: Sandbox
) -> None:
    bill = await billed(payment_settings=TRANSFER, items=[ITEM])
    person, german = await new_person(), await new_person(locale="de-DE")
    # as while a new release starts
    await person.page.route("**/events", lambda route: route.fulfill(status=503), times=1)
    await person.page.clock.install()
    async with person.page.expect_response("**/events"):
        await person.open(bill.url)
    await person.says("Pay by bank transfer")
    await person.says("IBAN")
    async with person.page.expect_request("**/events"):
        await person.page.clock.fast_forward("01:00")
    await person.shot("bank-transfer")
    await german.open(bill.url)
    await german.says("Per Überweisung bezahlen")
    await german.shot("bank-transfer-de")
    await fund(sandbox, bill, 10_000)
    await person.says("€100.00 has arrived, thank you")  # the page learns of it by itself
    await person.says("€189.00")
    await person.shot("bank-transfer-part")
    await fund(sandbox, bill, 18_900)
    await person.says("This invoice is paid")


async def test_a_card_is_saved_where_the_link_says_so(billed: Billed, person: Person, service: Service) -> None:
    bill = await billed()
    link = await payment_link(service.client, bill.invoice["id"], save_payment_method=True)
    await person.open(link["url"])
    await person.says("What you pay with is saved")
    await person.ready()
    await person.card("4242 4242 4242 4242")
    await person.shot("saved-card")
    await person.pay()
    await person.says("Thank you, this invoice is paid")
    path = f"/v1/customers/{bill.invoice['customer']}/payment-methods"
    [method] = (await service.client.get(path)).json()["data"]
    assert (method["brand"], method["last4"]) == ("visa", "4242")
