"""Unmodified React components of Stripe's pay with the sandbox, on the pages of examples/react."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.shopping import ADDRESS, CARD, CVC, EMAIL, EXPIRY, NUMBER, Role, Shopper

VISA, NO_FUNDS, SECURED = "4242424242424242", "4000000000009995", "4000002760003184"

pytestmark = pytest.mark.e2e


async def test_load_stripe_asks_for_its_own_script_and_the_person_returns_from_a_payment(shopper: Shopper) -> None:
    await shopper.visit("payment")
    await shopper.types_card(VISA)
    await shopper.presses()
    await shopper.page.wait_for_url("**/return?payment_intent=pi_*&redirect_status=succeeded")
    await shopper.sees("The payment is succeeded.")
    assert "secret" not in shopper.page.url
    await shopper.page.reload()
    await shopper.sees("The payment is succeeded.")
    assert set(shopper.scripts) == {"https://js.stripe.com/endive/stripe.js"}


async def test_an_element_that_strict_mode_mounts_twice_comes_and_goes_and_pays(shopper: Shopper) -> None:
    page = shopper.page
    await page.add_init_script("""
        window.mounted = 0;
        new MutationObserver((changes) => {
            const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
            window.mounted += added.filter((node) => node.tagName === "IFRAME").length;
        }).observe(document, { subtree: true, childList: true });
    """)
    await shopper.visit("later")
    await expect(page.get_by_role("button", name="Pay", exact=True)).to_be_enabled()
    await shopper.presses("Pay now")
    await expect(shopper.frame().get_by_label("Card number")).to_be_visible()
    await expect(page.locator("iframe")).to_have_count(1)
    assert await page.evaluate("window.mounted") == 2
    await shopper.presses("Not now")
    await expect(page.locator("iframe")).to_have_count(0)
    await shopper.presses()
    await shopper.sees(re.compile("should have a mounted Payment Element"), "alert")
    await shopper.presses("Pay now")
    await shopper.types_card(VISA)
    await shopper.presses()
    await shopper.sees("The payment is succeeded.")
    await expect(page.get_by_role("button", name="Pay", exact=True)).to_be_disabled()  # it would be another payment


@pytest.mark.parametrize(
    "fault", [{"kind": "drop_response"}, {"kind": "malformed_body"}, {"kind": "status", "status": 500}]
)
async def test_a_token_that_failed_is_explained_and_the_next_one_is_made(
    shopper: Shopper, fault: dict[str, Any]
) -> None:
    await shopper.visit("token")
    await shopper.types_card(VISA, CARD)
    await shopper.sandbox.fault("POST", "/v1/tokens", **fault)
    await shopper.presses("Make a token")
    await shopper.sees(re.compile("issues connecting|injected"), "alert")
    await shopper.sandbox.clear_faults()
    await shopper.presses("Make a token")
    await shopper.sees(re.compile("The token tok_"))


@pytest.mark.parametrize(
    ("page", "answer", "role", "ends_in"),
    [
        ("stay", "Complete", "status", "The payment is succeeded."),
        ("stay", "Fail", "alert", re.compile("unable to authenticate")),
        ("server-side", "Complete", "status", "The payment is succeeded."),
        ("server-side", "Fail", "alert", re.compile("unable to authenticate")),
    ],
)
async def test_a_card_is_authenticated_in_the_page(
    shopper: Shopper, page: str, answer: str, role: Role, ends_in: str | re.Pattern[str]
) -> None:
    await shopper.visit(page)
    await shopper.types_card(SECURED)
    await shopper.presses()
    await shopper.person.answer_challenge(answer)
    await shopper.sees(ends_in, role)


async def test_a_redirect_follows_an_authenticated_payment(shopper: Shopper) -> None:
    await shopper.visit("payment")
    await shopper.types_card(SECURED)
    await shopper.presses()
    await shopper.person.answer_challenge("Complete")
    await shopper.page.wait_for_url("**/return?*")
    await shopper.sees("The payment is succeeded.")


async def test_a_declined_card_is_explained_and_another_one_pays_without_leaving_the_page(shopper: Shopper) -> None:
    await shopper.visit("stay")
    await shopper.types_card(NO_FUNDS)
    await shopper.presses()
    await shopper.sees("Your card has insufficient funds.", "alert")
    await shopper.types_card(VISA)
    await shopper.presses()
    await shopper.sees("The payment is succeeded.")
    assert shopper.page.url.endswith("/stay")


async def test_a_bank_debit_is_processing(shopper: Shopper) -> None:
    await shopper.visit("stay")
    await shopper.types_bank_account()
    await shopper.presses()
    await shopper.sees("The payment is processing.")


async def test_a_payment_in_euros_offers_sepa_debits(shopper: Shopper) -> None:
    await shopper.visit("stay?currency=eur")
    frame = shopper.frame()
    await frame.get_by_role("tab", name="SEPA Debit").click()
    await frame.get_by_label("Full name").fill("Jenny Rosen")
    await frame.get_by_label("IBAN").fill("DE89 3704 0044 0532 0130 01")
    await expect(frame.get_by_text("Your IBAN is invalid.")).to_be_visible()
    await frame.get_by_label("IBAN").fill("DE89 3704 0044 0532 0130 00")
    await shopper.presses()
    await shopper.sees("The payment is processing.")


async def test_an_iban_element_pays(shopper: Shopper) -> None:
    await shopper.visit("iban")
    await shopper.frame("Secure IBAN input frame").get_by_label("IBAN").fill("DE89370400440532013000")
    await shopper.presses()
    await shopper.sees("The payment is processing.")
    assert (await shopper.only("payment_method"))["billing_details"]["email"] == "jenny@example.com"


async def test_a_deferred_payment_needs_the_amount_that_was_shown(shopper: Shopper) -> None:
    await shopper.visit("deferred")
    await shopper.types_card(VISA)
    await shopper.presses()
    await shopper.sees(re.compile(r"\(1000 usd\) do not match the PaymentIntent's \(2890 usd\)"), "alert")
    await shopper.presses("Add to the order")
    await shopper.presses()
    await shopper.sees("The payment is succeeded.")


async def test_submitting_shows_what_is_missing_and_makes_no_intent(shopper: Shopper) -> None:
    await shopper.visit("deferred")
    await expect(shopper.frame().get_by_label("Card number")).to_be_visible()
    await shopper.presses()
    await shopper.sees("Your card number is incomplete.", "alert")
    await expect(shopper.frame().get_by_text("Your card number is incomplete.")).to_be_visible()
    assert not (await shopper.sandbox.state()).get("payment_intent")


async def test_a_checkout_collects_email_and_address_and_has_no_wallets(shopper: Shopper) -> None:
    await shopper.visit("checkout")
    await shopper.person.says("Wallets: none. Address: incomplete.")
    await shopper.frame(EMAIL).get_by_label("Email").fill("jenny@example.com")
    await shopper.types_address()
    await shopper.person.says("Address: complete.")
    await shopper.types_card(VISA)
    await shopper.person.shot("react-checkout")
    await shopper.presses()
    await shopper.sees("The payment is succeeded and goes to Jenny Rosen, Köln.")
    intent = await shopper.only("payment_intent")
    assert intent["shipping"]["address"]["postal_code"] == "50667"
    assert (await shopper.only("payment_method"))["billing_details"]["email"] == "jenny@example.com"


async def test_an_address_element_asks_for_what_its_country_has(shopper: Shopper) -> None:
    await shopper.visit("checkout")
    frame = shopper.frame(ADDRESS)
    await frame.get_by_label("Country or region").select_option("United States")
    await expect(frame.get_by_label("State")).to_be_visible()
    await frame.get_by_label("Country or region").select_option(value="HK")
    await expect(frame.get_by_label("State")).to_be_hidden()
    await expect(frame.get_by_label("Postal code")).to_be_hidden()


@pytest.mark.parametrize(("page", "frames"), [("card", (CARD,)), ("parts", (NUMBER, EXPIRY, CVC))])
async def test_card_elements_pay(shopper: Shopper, page: str, frames: tuple[str, ...]) -> None:
    await shopper.visit(page)
    await shopper.types_card(SECURED, *frames)
    await shopper.presses()
    await shopper.person.answer_challenge("Complete")
    await shopper.sees("The payment is succeeded.")


async def test_a_card_element_makes_a_token(shopper: Shopper) -> None:
    await shopper.visit("token")
    await shopper.types_card(VISA, CARD)
    await shopper.presses("Make a token")
    await shopper.sees(re.compile(r"The token tok_\w+ is of the card 4242\."))
    assert (await shopper.only("token"))["card"]["name"] == "Jenny Rosen"


async def test_a_payment_method_is_made_in_the_page_and_confirmed_by_the_server(shopper: Shopper) -> None:
    await shopper.visit("server-side")
    await shopper.types_card(VISA)
    await shopper.presses()
    await shopper.sees("The payment is succeeded.")
    assert (await shopper.only("payment_method"))["billing_details"]["name"] == "Jenny Rosen"


@pytest.mark.parametrize(
    ("answer", "role", "ends_in"),
    [("Complete", "status", "The setup is succeeded."), ("Fail", "alert", re.compile("unable to authenticate"))],
)
async def test_a_card_to_be_kept_is_authenticated_in_the_page(
    shopper: Shopper, answer: str, role: Role, ends_in: str | re.Pattern[str]
) -> None:
    await shopper.visit("setup")
    await shopper.types_card(SECURED)
    await shopper.presses("Save")
    await shopper.person.answer_challenge(answer)
    await shopper.sees(ends_in, role)


async def test_a_bank_account_is_kept_with_a_mandate_given_online(shopper: Shopper) -> None:
    await shopper.visit("setup")
    await shopper.types_bank_account()
    await shopper.presses("Save")
    await shopper.sees("The setup is succeeded.")
    assert (await shopper.only("mandate"))["customer_acceptance"]["type"] == "online"
    assert (await shopper.only("payment_method"))["customer"] == (await shopper.only("customer"))["id"]


async def test_the_person_returns_from_a_setup(shopper: Shopper) -> None:
    await shopper.visit("setup-and-return")
    await shopper.types_card(VISA)
    await shopper.presses("Save")
    await shopper.page.wait_for_url("**/return?setup_intent=seti_*&redirect_status=succeeded")
    await shopper.sees("The setup is succeeded.")


async def test_an_element_speaks_the_language_and_wears_the_appearance_that_the_page_asks_for(shopper: Shopper) -> None:
    await shopper.visit("stay?locale=de")
    field = shopper.frame().get_by_label("Kartennummer")
    await expect(field).to_have_css("border-radius", "8px")
    await field.focus()
    await expect(field).to_have_css("border-color", "rgb(10, 104, 71)")
    await field.fill("4242424242424241")
    await expect(shopper.frame().get_by_text("Ihre Kartennummer ist ungültig.")).to_be_visible()
