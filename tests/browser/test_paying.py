"""A person pays an invoice: every way a payment can go, in a real browser."""

import asyncio
import re
from urllib.parse import urlencode

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Bill, Billed, NewPerson, Person
from tests.fixtures.billing import posted
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import Service
from tests.fixtures.waiting import until

PAID = "Thank you, this invoice is paid"
VISA, DECLINED, NO_FUNDS = "4242424242424242", "4000000000000002", "4000000000009995"
SECURED = "4000002760003184"

pytestmark = pytest.mark.e2e


async def test_a_card_pays_the_invoice_and_the_page_follows_until_it_is_fulfilled(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.shot("pay")
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)
    await person.says("Visa ending in 4242")
    await expect(person.page.get_by_role("link", name="Receipt")).to_have_attribute("href", re.compile("/receipt$"))
    await person.shot("paid")
    assert "secret" not in person.page.url
    assert (await bill.read())["status"] == "paid"
    fulfillment = await bill.fulfillment()
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 28_900)


async def test_a_declined_card_is_explained_and_another_one_pays(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card(NO_FUNDS)
    await person.pay()
    alert = person.page.get_by_role("alert")
    await expect(alert).to_have_text("Your card has insufficient funds. Please try another card.")
    await expect(alert).to_be_focused()
    await person.shot("declined")
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)
    assert (await bill.fulfillment())["attempts"] == 1


async def test_an_authenticated_card_pays(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card(SECURED)
    await person.pay()
    await person.answer_challenge("Complete")
    await person.says(PAID)
    assert (await bill.fulfillment())["status"] == "fulfilled"


async def test_a_refused_authentication_is_explained_and_another_card_pays(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card(SECURED)
    await person.pay()
    await person.answer_challenge("Fail")
    await person.says("We are unable to authenticate your payment method.")
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)


async def test_a_failed_redirect_leads_back_to_the_form(person: Person, bill: Bill, sandbox: Sandbox) -> None:
    """A card is authenticated in the page, but the bank of another method, or the server, may redirect."""
    challenge = {"payment_method": "pm_card_threeDSecure2Required", "return_url": f"{bill.url}/complete"}
    confirmed = await sandbox.dashboard.post(f"/v1/payment_intents/{bill.intent}/confirm", data=challenge)
    await person.open(confirmed.json()["next_action"]["redirect_to_url"]["url"])
    await person.page.get_by_role("button", name="Fail").click()
    await person.says("The payment did not go through")
    await person.says("We are unable to authenticate your payment method.")
    await person.shot("failed")
    await person.page.get_by_role("link", name="Try again").click()
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)


async def test_a_bank_debit_is_pending_and_the_same_page_sees_it_settle(
    person: Person, bill: Bill, sandbox: Sandbox
) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.bank_account("000123456789")
    await person.pay()
    await person.says("Your payment is on its way")
    await person.shot("processing")
    await until(lambda: _status(bill, "processing"))
    loaded = await person.page.evaluate("performance.timeOrigin")
    await sandbox.settle(bill.intent)
    await person.says(PAID)
    assert await person.page.evaluate("performance.timeOrigin") == loaded


async def _status(bill: Bill, wanted: str) -> bool:
    return bool((await bill.fulfillment())["status"] == wanted)


async def test_an_invoice_with_a_pending_debit_offers_no_second_payment(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.bank_account("000000000009")
    await person.pay()
    await person.says("Your payment is on its way")
    await until(lambda: _status(bill, "processing"))
    await person.open(bill.url)
    await person.says("Your payment is on its way")
    await expect(person.button).to_have_count(0)


async def test_impatient_clicks_pay_once(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card(VISA)
    await person.button.dblclick(delay=0)
    await person.says(PAID)
    assert await bill.confirmations() == 1


async def test_going_back_after_paying_shows_that_it_is_paid(person: Person, bill: Bill) -> None:
    await person.open(f"{bill.url}?element=payment")
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)
    await person.open(bill.url)
    await person.says("This invoice is paid")
    await person.page.go_back()
    await person.says(PAID)
    await expect(person.button).to_have_count(0)


async def test_going_back_before_the_webhook_came_offers_no_second_payment(
    person: Person, bill: Bill, sandbox: Sandbox
) -> None:
    await sandbox.mode(hold=True)
    await person.open(bill.url)
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says("Payment received")
    await person.open(bill.url)
    await person.page.wait_for_url("**/complete*")
    await person.says(PAID)
    assert await bill.confirmations() == 1


async def test_a_late_webhook_leaves_nobody_in_doubt(person: Person, bill: Bill, sandbox: Sandbox) -> None:
    await sandbox.mode(hold=True)
    await person.open(bill.url)
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)
    assert (await bill.fulfillment())["status"] == "fulfilled"
    fulfilled = await bill.fulfillment()
    await sandbox.mode(hold=False)
    await sandbox.release()
    await sandbox.idle()
    told = await bill.fulfillment()
    assert [attempt["outcome"] for attempt in told["payment_attempts"]] == ["paid"]  # what only the events tell
    assert told | {name: fulfilled[name] for name in ("payment_attempts", "updated_at")} == fulfilled


async def test_a_connection_lost_right_after_confirming_ends_in_one_payment(
    person: Person, bill: Bill, sandbox: Sandbox
) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card(VISA)
    await sandbox.fault("POST", "/v1/payment_intents/*/confirm", kind="drop_response", times=1)
    await person.pay()
    await person.says(PAID)
    assert (await bill.fulfillment())["status"] == "fulfilled"


async def test_a_person_who_goes_offline_right_after_confirming_is_told_not_to_pay_again(
    person: Person, bill: Bill, sandbox: Sandbox
) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card(VISA)
    await sandbox.fault("POST", "/v1/payment_intents/*/confirm", kind="drop_response", times=1)
    await sandbox.fault("GET", "/v1/payment_intents/*", kind="drop_request", times=3)
    await person.pay()
    await person.says("Checking whether your payment went through")
    await expect(person.button).to_be_disabled()
    await person.says(PAID)
    assert (await bill.read())["status"] == "paid"


async def test_a_connection_lost_before_the_payment_lets_the_person_try_again(
    person: Person, bill: Bill, sandbox: Sandbox
) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card(VISA)
    await sandbox.fault("POST", "/v1/payment_intents/*/confirm", kind="drop_request")  # the browser retries by itself
    await person.pay()
    await person.says("The connection was lost before anything was charged.")
    await sandbox.clear_faults()
    await person.pay()
    await person.says(PAID)


async def test_stripe_s_own_page_takes_an_authenticated_card(person: Person, bill: Bill) -> None:
    await person.open(bill.invoice["hosted_invoice_url"])
    await expect(person.page.get_by_role("button", name="Pay")).to_be_enabled()
    await person.card(SECURED)
    await person.page.get_by_role("button", name="Pay").click()
    await person.answer_challenge("Complete")
    await person.page.wait_for_url("**redirect_status=succeeded")
    await until(lambda: _status(bill, "fulfilled"))


async def test_the_card_element_pays(person: Person, bill: Bill) -> None:
    await person.open(f"{bill.url}?element=card")
    await person.ready()
    await person.card("4242424242424241")
    await expect(person.page.get_by_role("alert")).to_have_text("Your card number is invalid.")
    await person.shot("card-element")
    await person.card(DECLINED)
    await person.pay()
    await expect(person.page.get_by_role("alert")).to_have_text("Your card was declined. Please try another card.")
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)


@pytest.mark.parametrize(("answer", "ends_in"), [("Complete", PAID), ("Fail", "We are unable to authenticate")])
async def test_the_card_element_authenticates_in_the_page_itself(
    person: Person, bill: Bill, answer: str, ends_in: str
) -> None:
    await person.open(f"{bill.url}?element=card")
    await person.ready()
    await person.card(SECURED)
    await person.pay()
    await person.answer_challenge(answer)
    await person.says(ends_in)


async def test_the_keyboard_alone_is_enough(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    keyboard = person.page.keyboard
    await keyboard.press("Tab")
    await expect(person.fields.get_by_role("tab", name="Card")).to_be_focused()
    await keyboard.press("Tab")
    for typed in (VISA, "1234", "123"):
        await keyboard.type(typed)
        await keyboard.press("Tab")
    await expect(person.button).to_be_focused()
    await keyboard.press("Enter")
    await person.says(PAID)


async def test_what_is_wrong_is_said_as_it_is_typed_and_nothing_is_sent(person: Person, bill: Bill) -> None:
    await person.open(bill.url)
    await person.ready()
    await person.card("4242424242424241", expiry="0120", cvc="12")
    await person.pay()
    for said in ("Your card number is invalid.", "expiration year is in the past", "security code is incomplete"):
        await expect(person.fields.get_by_text(said)).to_be_visible()
    await expect(person.fields.get_by_label("Card number")).to_be_focused()
    await person.shot("invalid")
    assert await bill.confirmations() == 0


async def test_the_page_after_a_payment_shows_a_change_without_looking_by_the_clock(
    person: Person, bill: Bill, service: Service
) -> None:
    await person.page.add_init_script("window.setTimeout = () => 0")  # no clock of the page's strikes any more
    async with person.page.expect_response(lambda answer: answer.url.endswith("/events")):
        await person.open(f"{bill.url}/complete")
    await person.says("No payment has arrived yet")
    await posted(service.client, f"/v1/invoices/{bill.invoice['id']}/void")
    await person.says("This invoice was canceled")


async def test_a_part_is_paid_and_then_the_rest(person: Person, billed: Billed) -> None:
    bill = await billed(link={"minimum_payment": 5_000})
    await person.open(bill.url)
    await person.ready()
    await person.page.get_by_label("A part of it").check()
    await expect(person.button).to_be_disabled()
    amount = person.page.get_by_label("Amount in USD")
    for refused in ("10", "289", "much"):
        await amount.fill(refused)
        await person.page.get_by_role("button", name="Use this amount").click()
        await expect(amount).to_have_attribute("aria-invalid", "true")
    await amount.fill("100.50")
    await amount.press("Enter")
    await expect(person.button).to_have_text("Pay $100.50")
    await person.ready()
    await person.card(VISA)
    await person.shot("part-chosen")
    await person.pay()
    await person.says("Thank you, this payment arrived")
    await expect(person.page.locator(".owed [data-decimals]")).to_have_text("$188.50")
    await person.shot("part-paid")
    assert (await bill.read())["amount_remaining"] == 18_850

    await person.page.get_by_role("link", name="Pay the rest").click()
    await person.says("Left to pay")
    await expect(person.button).to_have_text("Pay $188.50")
    await person.ready()
    await person.shot("part-left")
    await person.page.get_by_label("A part of it").check()
    await person.page.get_by_label("All of it").check()
    await person.ready()
    await person.card(VISA)
    await person.pay()
    await person.says(PAID)
    assert (await bill.fulfillment())["amount_paid"] == 28_900


async def test_nothing_else_is_chosen_while_the_form_loads_or_pays(person: Person, billed: Billed) -> None:
    bill = await billed(link={"minimum_payment": 5_000})
    page, held = person.page, asyncio.Queue[Route]()
    some, all_of_it = page.get_by_label("A part of it"), page.get_by_label("All of it")
    await page.route("**/session", held.put)
    await person.open(bill.url)
    loading = await held.get()
    await expect(some).to_be_disabled()
    await loading.continue_()
    await person.ready()
    await some.check()
    await page.route("**/part", held.put)
    await page.get_by_label("Amount in USD").fill("100")
    await page.get_by_role("button", name="Use this amount").click()
    beginning = await held.get()
    await expect(all_of_it).to_be_disabled()
    await beginning.continue_()
    await expect(person.button).to_have_text("Pay $100.00")
    await person.ready()
    await expect(all_of_it).to_be_enabled()
    await person.card(VISA)
    await page.route("**/confirm", held.put)
    await person.pay()
    paying = await held.get()
    await expect(all_of_it).to_be_disabled()
    await paying.continue_()
    await person.says("Thank you, this payment arrived")


async def test_who_comes_back_from_a_part_that_was_called_off_sees_what_is_owed(person: Person, billed: Billed) -> None:
    bill = await billed(link={"minimum_payment": 5_000})
    part = f"/pay/{bill.url.rpartition('/')[2]}/part"
    began, _ = [await posted(bill.service.client, part, {"amount": amount}) for amount in (10_000, 20_000)]
    returned = {"payment_intent": began["payment_intent"], "payment_intent_client_secret": began["client_secret"]}
    await person.open(f"{bill.url}/complete?{urlencode(returned)}&redirect_status=failed")
    await person.says("No payment has arrived yet")


async def test_who_is_overtaken_by_another_payer_sees_what_is_left(new_person: NewPerson, billed: Billed) -> None:
    bill = await billed(link={"minimum_payment": 5_000})
    one, other = await new_person(), await new_person()
    for person, amount in ((one, "150"), (other, "100")):
        await person.open(bill.url)
        await person.ready()
        await person.page.get_by_label("A part of it").check()
        await person.page.get_by_label("Amount in USD").fill(amount)
        await person.page.get_by_role("button", name="Use this amount").click()
        await expect(person.button).to_have_text(f"Pay ${amount}.00")
        await person.ready()
        await person.card(VISA)
    await other.pay()
    await other.says("Thank you, this payment arrived")
    await one.pay()
    await one.says("Left to pay")
    assert (await bill.read())["amount_paid"] == 10_000
