"""Unmodified React components of Stripe's, on the pages of examples/react.

`loadStripe` asks for its script on Stripe's own host. Chromium does not resolve that name: the request is answered with
what the sandbox serves at the same path.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import FrameLocator, Page, Route, expect

from dev.processes import Child
from tests.browser.conftest import PROJECT, Person
from tests.fixtures.ports import find_free_port
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.waiting import until

REACT = PROJECT / "examples/react"
VITE = REACT / "node_modules/vite/bin/vite.js"
VISA, NO_FUNDS, SECURED = "4242424242424242", "4000000000009995", "4000002760003184"
PAYMENT, CARD = "Secure payment input frame", "Secure card payment input frame"
NUMBER, EXPIRY, CVC = "Secure card number input frame", "Secure expiration date input frame", "Secure CVC input frame"
ADDRESS, EMAIL = "Secure address input frame", "Secure email input frame"
Role = Literal["alert", "status"]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def environment(running_sandbox: Sandbox) -> dict[str, str]:
    """Build for development: only then StrictMode mounts everything twice."""
    return {**os.environ, "STRIPE_API_URL": running_sandbox.url, "NODE_ENV": "development"}


def build(environment: dict[str, str], folder: Path) -> Path:
    if not VITE.exists():
        pytest.skip("vite is not installed: npm ci --prefix examples/react")
    command = ["npm", "run", "build", "--", "--outDir", str(folder)]
    done = subprocess.run(command, cwd=REACT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@contextmanager
def served(built: Path, environment: dict[str, str], log: Path) -> Iterator[str]:
    port = find_free_port()
    command = ["node", str(VITE), "preview", "--outDir", str(built), "--port", str(port), "--host", "127.0.0.1"]
    child = Child("react", [*command, "--strictPort"], cwd=REACT, env=environment, log=log)
    yield f"http://127.0.0.1:{port}"
    child.stop()


async def answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
async def shop(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("react")
    with served(build(environment, folder / "dist"), environment, folder / "react.log") as url:
        await until(lambda: answers(url), within=30)
        yield url


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


@pytest.fixture
async def shopper(person: Person, shop: str, sandbox: Sandbox) -> Shopper:
    scripts: list[str] = []

    async def as_stripe(route: Route) -> None:
        scripts.append(route.request.url)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{sandbox.url}{urlsplit(route.request.url).path}")
        await route.fulfill(status=answer.status_code, body=answer.text, content_type=answer.headers["content-type"])

    await person.context.route("https://js.stripe.com/**", as_stripe)
    return Shopper(person, shop, sandbox, scripts)


async def test_load_stripe_asks_for_its_own_script_and_the_person_returns_from_a_payment(shopper: Shopper) -> None:
    await shopper.visit("payment")
    await shopper.types_card(VISA)
    await shopper.presses()
    await shopper.page.wait_for_url("**/return?payment_intent=pi_*&redirect_status=succeeded")
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


async def test_what_is_not_simulated_is_named_in_the_console_and_breaks_nothing(shopper: Shopper) -> None:
    await shopper.visit("missing")
    await expect(
        shopper.frame("Frame of auBankAccount").get_by_text("not simulated here: the Element auBankAccount")
    ).to_be_visible()
    await shopper.presses()
    await shopper.sees("not simulated here: stripe.confirmKlarnaPayment()", "alert")
    said = [text.removeprefix("Stripe.js of the sandbox: ") for text in shopper.person.broken]
    assert said == [
        "not simulated here: the Element auBankAccount",
        "not simulated here: stripe.confirmKlarnaPayment()",
    ]
    shopper.person.broken.clear()


async def test_whatever_is_called_without_arguments_says_what_is_wrong(shopper: Shopper) -> None:
    """No call of Stripe's ends in a TypeError: it answers an error, or throws an IntegrationError."""
    await shopper.visit("return")
    await shopper.sees("Nothing was paid.")
    wrong = await shopper.page.evaluate("""async () => {
        const stripe = window.Stripe("pk_test_sandbox"), wrong = [];
        for (const name of Object.keys(stripe)) {
            try { await stripe[name](); } catch (error) { if (error.name !== "IntegrationError") wrong.push(`${name}: ${error}`); }
        }
        const elements = stripe.elements({ mode: "payment", amount: 100, currency: "usd" });
        const components = ["auBankAccount", "currencySelector", "expressCheckout", "linkSignup", "paymentMethodMessaging", "taxId", "terms",
            "issuingCardNumberDisplay", "payment", "card", "cardNumber", "cardExpiry", "cardCvc", "iban", "linkAuthentication", "contactDetails"];
        await Promise.all(components.map((name) => new Promise((resolve) => {
            const element = elements.create(name).on("ready", resolve).on("loaderror", resolve);
            element.mount(document.body.appendChild(document.createElement("div")));
        })));
        return wrong;
    }""")
    assert wrong == []
    assert all("not simulated here: " in text for text in shopper.person.broken)
    elements = [text for text in shopper.person.broken if "the Element" in text]
    assert len(elements) == 7
    shopper.person.broken.clear()


async def test_options_without_effect_are_named_in_the_console(shopper: Shopper) -> None:
    await shopper.visit("return")
    await shopper.sees("Nothing was paid.")
    await shopper.page.evaluate("""() => new Promise((resolve) => {
        const appearance = { variables: { logoColor: "dark", colorText: "#111111" }, rules: { ".Block": { color: "red" } } };
        const elements = window.Stripe("pk_test_sandbox").elements({ mode: "payment", amount: 100, currency: "usd", fonts: [], appearance });
        const element = elements.create("payment", { layout: "accordion", business: { name: "Shop" }, wallets: { applePay: "never" } });
        element.on("ready", resolve).on("carddetailschange", () => undefined);
        element.mount(document.body.appendChild(document.createElement("div")));
    })""")
    said = {text.removeprefix("Stripe.js of the sandbox: not simulated here") for text in shopper.person.broken}
    assert said == {
        ", without effect: stripe.elements() fonts",
        ", without effect: the option of the Element payment: business",
        ", without effect: the option of the Element payment: layout accordion",
        ": the event carddetailschange of the Element payment",
        ", without effect: appearance.variables logoColor",
        ", without effect: appearance.rules .Block",
    }
    shopper.person.broken.clear()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("Stripe('sk_test_sandbox')", "publishable key"),
        ("stripe.elements({ clientSecret: 'pi_1' })", "Invalid value for clientSecret"),
        ("stripe.elements({ mode: 'payment', currency: 'usd' })", "amount should be an integer"),
        ("stripe.elements({ mode: 'payment', amount: 1 })", "currency is required"),
        ("stripe.elements().create('crad')", "A valid Element name must be provided"),
        ("stripe.elements().create('payment')", "you must pass a clientSecret or mode"),
        ("deferred.create('card') && deferred.create('card')", "Can only create one Element of type card"),
        ("deferred.create('card').mount('#nowhere')", "applies to no DOM elements"),
        ("stripe.confirmPayment({ elements: deferred, clientSecret })", "return_url is required"),
        ("stripe.confirmPayment({ elements: deferred, clientSecret, redirect: 'if_required' })", "mounted Payment Element"),
        ("deferred.create('payment') && stripe.confirmPayment({ elements: deferred, clientSecret, redirect: 'if_required' })", "elements.submit() must be called"),
        ("stripe.confirmSetup({ elements: deferred, clientSecret, redirect: 'if_required' })", "is of a payment_intent"),
        ("stripe.createToken(deferred.create('card'))", "still mounted"),
        ("deferred.create('payment') && stripe.createPaymentMethod({ elements: deferred })", "paymentMethodCreation: 'manual'"),
    ],
)  # fmt: skip
async def test_wrong_use_throws_an_integration_error(shopper: Shopper, wrong: str, message: str) -> None:
    await shopper.visit("return")
    await shopper.sees("Nothing was paid.")
    thrown = await shopper.page.evaluate(f"""async () => {{
        const stripe = Stripe("pk_test_sandbox"), clientSecret = "pi_1_secret_1";
        const deferred = stripe.elements({{ mode: "payment", amount: 100, currency: "usd" }});
        try {{ await ({wrong}); }} catch (error) {{ return `${{error.name}}: ${{error.message}}`; }}
    }}""")
    assert thrown.startswith("IntegrationError: ")
    assert message in thrown


async def test_load_stripe_uses_the_script_that_is_on_the_page(
    person: Person, environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """As STRIPE_JS_URL puts it there, built for production: no name but the sandbox's is asked for."""
    asked: set[str] = set()
    person.page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    settings = environment | {"STRIPE_JS_URL": f"{sandbox.url}/stripe.js", "NODE_ENV": "production"}
    with served(build(settings, tmp_path / "dist"), settings, tmp_path / "react.log") as url:
        await until(lambda: answers(url), within=30)
        shopper = Shopper(person, url, sandbox, [])
        await shopper.visit("stay")
        await shopper.types_card(VISA)
        await shopper.presses()
        await shopper.sees("The payment is succeeded.")
    assert asked == {urlsplit(url).netloc, urlsplit(sandbox.url).netloc}
