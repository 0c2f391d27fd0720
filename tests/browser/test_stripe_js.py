"""Stripe.js of the sandbox: what it lacks is named in the console, wrong use is an IntegrationError."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.browser.shopping import VITE, Shopper, answers, build, served
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.waiting import until

pytestmark = pytest.mark.e2e


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


async def test_what_the_api_does_not_simulate_is_named_in_the_console_too(shopper: Shopper) -> None:
    await shopper.visit("return")
    await shopper.sees("Nothing was paid.")
    code = await shopper.page.evaluate("""async () => {
        const { error } = await window.Stripe("pk_test_sandbox").createPaymentMethod({ type: "klarna", klarna: {} });
        return error.code;
    }""")
    assert code == "sandbox_not_simulated"
    assert [text for text in shopper.person.broken if "not simulated here: type=klarna" in text]
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
        ("Stripe('pk_test_sandbox').confirmPayment({ elements: deferred, clientSecret, redirect: 'if_required' })", "created by a different Stripe instance"),
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
    person: Person, react_environment: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """As STRIPE_JS_URL puts it there, built for production: no name but the sandbox's is asked for."""
    asked: set[str] = set()
    person.page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    built = build(
        "node", str(VITE), "build",
        folder=tmp_path / "dist", STRIPE_JS_URL=f"{sandbox.url}/stripe.js", NODE_ENV="production",
    )  # fmt: skip
    with served(built, react_environment, tmp_path / "react.log") as url:
        await until(lambda: answers(url), within=30)
        shopper = Shopper(person, url, sandbox, [])
        await shopper.visit("stay")
        await shopper.types_card("4242424242424242")
        await shopper.presses()
        await shopper.sees("The payment is succeeded.")
    assert asked == {urlsplit(url).netloc, urlsplit(sandbox.url).netloc}
