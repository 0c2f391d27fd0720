"""Stripe charges an invoice by itself: retries, what stops them, and what is told of it all; on the virtual clock."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from tests.fixtures.caller import Caller, Json
from tests.fixtures.stage import Stage

DAY = 86_400
CHARGE = {"collection_method": "charge_automatically", "auto_advance": True}


@pytest.fixture
def api(stage: Stage, app: FastAPI) -> Caller:
    return Caller(stage.client, stage.sandbox, app)


async def saved(api: Caller, customer: str, method: str, *, default: bool = True) -> str:
    body = {"payment_method": method, "set_default": default}
    made = await api.post(f"/v1/customers/{customer}/payment-methods", body)
    found: str = made["id"]
    return found


async def charged(api: Caller, method: str | None, **fields: object) -> Json:
    """An open invoice that Stripe will charge to `method` in an hour."""
    customer = await api.customer()
    if method:
        await saved(api, customer["id"], method)
    return await api.open(customer=customer["id"], **CHARGE, **fields)


async def pass_time(stage: Stage, seconds: float) -> None:
    known = {event["id"] for event in await stage.events()}
    await stage.sandbox.advance(seconds)
    await stage.tell(*[event for event in await stage.events() if event["id"] not in known])


async def because(api: Caller, invoice: Json) -> str:
    found: str = (await api.get(f"/v1/invoices/{invoice['id']}/timeline"))["unpaid_because"]
    return found


async def test_an_invoice_is_charged_to_the_saved_method_and_fulfilled(api: Caller, stage: Stage) -> None:
    invoice = await charged(api, "pm_card_visa")
    assert invoice["next_payment_attempt"]
    await stage.tell(*await stage.events())
    assert "Stripe charges it by itself on " in await because(api, invoice)
    await pass_time(stage, 3700)
    assert (await api.get(f"/v1/invoices/{invoice['id']}"))["status"] == "paid"
    assert (await api.get(f"/v1/invoices/{invoice['id']}/fulfillment"))["status"] == "fulfilled"


async def test_declines_are_retried_until_stripe_gives_up(api: Caller, stage: Stage) -> None:
    invoice = await charged(api, "pm_card_chargeCustomerFail")
    await stage.tell(*await stage.events())
    path, planned = f"/v1/invoices/{invoice['id']}", [invoice["next_payment_attempt"]]
    for number, seconds in enumerate((3700, 3 * DAY, 5 * DAY, 7 * DAY), 1):
        await pass_time(stage, seconds)
        shown = await api.get(path)
        assert (shown["status"], shown["attempt_count"]) == ("open", number)
        planned.append(shown["next_payment_attempt"])
    assert planned[-1] is None
    assert len(set(planned)) == len(planned)  # each attempt plans the next one
    fulfillment = await api.get(f"{path}/fulfillment")
    assert (fulfillment["status"], fulfillment["attempts"]) == ("payment_failed", 4)
    said = await because(api, invoice)
    assert "the last of 4 attempts to pay it failed: card_declined" in said
    assert "Stripe makes no further attempt by itself" in said
    good = await saved(api, invoice["customer"], "pm_card_visa")
    paid = await api.post(f"{path}/pay")
    assert paid["status"] == "paid"
    await stage.tell(*await stage.events())
    assert (await api.get(f"{path}/fulfillment"))["status"] == "fulfilled"
    methods = await api.every(f"/v1/customers/{invoice['customer']}/payment-methods")
    assert [one["id"] for one in methods if one["is_default"]] == [good]


async def test_a_card_that_must_be_authenticated_waits_for_its_owner(api: Caller, stage: Stage) -> None:
    invoice = await charged(api, "pm_card_authenticationRequired")
    await stage.sandbox.switch(invoice_authentication_declines=True)
    await stage.tell(*await stage.events())
    await pass_time(stage, 3700)
    fulfillment = await api.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["failure"]["code"]) == ("payment_failed", "authentication_required")
    assert "authentication_required" in await because(api, invoice)
    link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link")  # which lets its owner authenticate it
    assert (await stage.client.get(link["url"])).status_code == 200


async def test_collecting_is_paused_and_resumed_and_the_timeline_says_so(api: Caller, stage: Stage) -> None:
    invoice = await charged(api, "pm_card_visa")
    await stage.tell(*await stage.events())
    path = f"/v1/invoices/{invoice['id']}"
    paused = await api.patch(path, {"auto_advance": False})
    assert (paused["auto_advance"], paused["next_payment_attempt"]) == (False, None)
    assert "Collecting is paused" in await because(api, invoice)
    await pass_time(stage, 10 * DAY)
    assert (await api.get(path))["status"] == "open"
    resumed = await api.patch(path, {"auto_advance": True, "metadata": {"case": "7"}})
    assert (resumed["auto_advance"], resumed["metadata"]) == (True, {"case": "7"})
    entries = [entry["what"] for entry in (await api.get(f"{path}/timeline"))["data"] if entry["kind"] == "transition"]
    assert entries == ["open", "paused", "resumed"]
    await pass_time(stage, 3700)
    assert (await api.get(path))["status"] == "paid"
    entries = [entry["what"] for entry in (await api.get(f"{path}/timeline"))["data"] if entry["kind"] == "transition"]
    assert entries == ["open", "paused", "resumed", "paid"]
    refused = await api.refused("PATCH", path, 409, "invalid_state", {"auto_advance": True})
    assert refused["invoice_status"] == "paid"
    await api.refused("PATCH", path, 409, "invalid_state", {"description": "Later", "auto_advance": False})


async def test_a_saved_method_that_is_detached_meanwhile_is_not_charged(api: Caller, stage: Stage) -> None:
    customer = await api.customer()
    method = await saved(api, customer["id"], "pm_card_visa")
    invoice = await api.open(customer=customer["id"], **CHARGE)
    await stage.tell(*await stage.events())
    await stage.dashboard(f"payment_methods/{method}/detach")
    path = f"/v1/invoices/{invoice['id']}"
    refused = await api.refused("POST", f"{path}/pay", 422, "stripe_invalid_request", {"payment_method": method})
    assert refused["param"] == "payment_method"
    assert await api.every(f"/v1/customers/{customer['id']}/payment-methods") == []  # the refusal told
    await api.refused("PATCH", f"{path}/payment-intent", 422, "stripe_invalid_request", {"payment_method": method})
    await pass_time(stage, 3700)
    shown = await api.get(path)
    assert (shown["status"], shown["next_payment_attempt"]) == ("open", None)
    assert "There is no saved payment method to charge it to" in await because(api, invoice)


async def test_a_revoked_mandate_fails_the_payment_and_is_told(api: Caller, stage: Stage) -> None:
    customer = await api.customer()
    form = {
        "customer": customer["id"],
        "payment_method": "pm_usBankAccount_success",
        "confirm": "true",
        "return_url": "https://shop.example/",
    }
    setup = await stage.dashboard("setup_intents", **form)
    await stage.tell(*await stage.events())
    await api.post(f"/v1/customers/{customer['id']}/payment-methods/{setup['payment_method']}/default")
    invoice = await api.open(customer=customer["id"], **CHARGE)
    await stage.sandbox.mandate(setup["mandate"], "inactive")
    await stage.tell(*await stage.events())
    assert "The mandate of what it is charged to was revoked" in await because(api, invoice)
    await pass_time(stage, 3700)
    fulfillment = await api.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["failure"]["code"]) == (
        "payment_failed",
        "payment_intent_mandate_invalid",
    )


async def test_of_two_payers_at_once_one_pays_and_the_other_is_told(api: Caller, stage: Stage) -> None:
    invoice = await charged(api, "pm_card_visa", items=[{"amount": 2000, "currency": "usd"}])
    path = f"/v1/invoices/{invoice['id']}"
    paying = [api.send("POST", f"{path}/pay", headers={"Idempotency-Key": key}) for key in ("one", "two")]
    page = stage.sandbox.dashboard.post(
        f"/v1/payment_intents/{invoice['payment_intent']}/confirm", data={"payment_method": "pm_card_visa"}
    )
    *answers, confirmed = await asyncio.gather(*paying, page)
    assert sum(one.is_success for one in (*answers, confirmed)) == 1
    for answer in answers:
        assert answer.is_success or answer.json()["code"] == "invalid_state", answer.text
    charges = (await stage.sandbox.state())["charge"]
    assert [charge["amount"] for charge in charges if charge["status"] == "succeeded"] == [2000]
    await stage.tell(*await stage.events())
    assert (await api.get(f"{path}/fulfillment"))["amount_paid"] == 2000


CHANGES: dict[str, Json] = {
    "setup_future_usage": {"setup_future_usage": "off_session"},
    "metadata": {"metadata": {"order": "7"}},
    "description": {"description": "Order 7"},
    "receipt_email": {"receipt_email": "jenny@example.com"},
    "payment_method_options": {"payment_method_options": {"card": {"request_three_d_secure": "any"}}},
    "shipping": {"shipping": {"name": "Jenny", "address": {"line1": "1 Main St", "city": "X"}, "phone": "+1"}},
}


async def test_the_payment_intent_of_an_invoice_takes_what_stripe_allows(api: Caller, stage: Stage) -> None:
    customer = await api.customer()
    method = await saved(api, customer["id"], "pm_card_visa")
    invoice = await api.open(customer=customer["id"])
    path = f"/v1/invoices/{invoice['id']}/payment-intent"
    for body in CHANGES.values():
        await api.patch(path, body)
    shown = await api.patch(path, {"payment_method": method})
    assert (shown["id"], shown["invoice"], shown["amount"]) == (invoice["payment_intent"], invoice["id"], 2000)
    told = {name: body[name] for name, body in CHANGES.items() if name not in {"payment_method_options", "shipping"}}
    assert {name: shown[name] for name in told} == told
    assert (shown["payment_method"], shown["status"]) == (method, "requires_confirmation")
    assert (shown["shipping"]["name"], shown["shipping"]["address"]["city"]) == ("Jenny", "X")
    at_stripe = (await stage.sandbox.dashboard.get(f"/v1/payment_intents/{shown['id']}")).json()
    assert at_stripe["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    shown = await api.patch(path, {"setup_future_usage": None, "shipping": None})
    assert (shown["setup_future_usage"], shown["shipping"]) == (None, None)


async def test_anything_else_of_the_payment_intent_is_refused_by_name_with_the_reason(api: Caller) -> None:
    invoice = await api.open()
    path = f"/v1/invoices/{invoice['id']}/payment-intent"
    for name in ("amount", "currency", "customer", "capture_method", "statement_descriptor", "transfer_data"):
        refused = await api.refused("PATCH", path, 422, "validation_error", {name: "1", "description": "x"})
        assert [error["loc"] for error in refused["errors"]] == [[name]]
        assert "the invoice decides it" in refused["errors"][0]["msg"]
    data = {"type": "card", "card": {"number": "4242424242424242"}}
    refused = await api.refused("PATCH", path, 422, "validation_error", {"payment_method_data": data})
    assert refused["errors"][0]["loc"] == ["payment_method_data", "card"]
    assert "never come here" in refused["errors"][0]["msg"]
    both = {"payment_method": "pm_1", "payment_method_data": {"type": "customer_balance"}}
    await api.refused("PATCH", path, 422, "validation_error", both)
    await api.refused("PATCH", path, 422, "validation_error", {})
    draft = await api.draft()
    await api.refused("PATCH", f"/v1/invoices/{draft['id']}/payment-intent", 409, "invalid_state", {"description": "x"})
    paid = await api.paid()
    path = f"/v1/invoices/{paid['id']}/payment-intent"
    assert (await api.patch(path, {"description": "Order 7"}))["description"] == "Order 7"
    await api.refused("PATCH", path, 409, "invalid_state", {"receipt_email": "jenny@example.com"})


@pytest.mark.parametrize("by", ["link", "client_secret"])
async def test_what_an_invoice_is_paid_with_is_saved_if_that_is_asked_for(api: Caller, stage: Stage, by: str) -> None:
    invoice = await api.open()
    path = f"/v1/invoices/{invoice['id']}"
    if by == "link":
        link = await api.post(f"{path}/payment-link", {"save_payment_method": True})
        page = (await stage.client.get(link["url"])).text
        assert "saved" in page
        answer = await stage.client.get(f"{link['url']}/session")
        assert answer.is_success, answer.text
    else:
        await api.get(f"{path}/client-secret", save_payment_method="true")
    intent = f"payment_intents/{invoice['payment_intent']}"
    await stage.dashboard(f"{intent}/confirm", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    [method] = await api.every(f"/v1/customers/{invoice['customer']}/payment-methods")
    assert (method["brand"], method["last4"]) == ("visa", "4242")
    if by == "client_secret":
        asked = {"params": {"save_payment_method": "true"}}
        await api.refused("GET", f"{path}/client-secret", 409, "invalid_state", **asked)


async def test_without_being_asked_nothing_is_saved(api: Caller, stage: Stage) -> None:
    invoice = await api.open()
    link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link")
    assert "saved" not in (await stage.client.get(link["url"])).text
    assert (await stage.client.get(f"{link['url']}/session")).is_success
    intent = (await stage.sandbox.dashboard.get(f"/v1/payment_intents/{invoice['payment_intent']}")).json()
    assert intent["setup_future_usage"] is None


async def transferred(api: Caller, stage: Stage, *, types: tuple[str, ...] = ("customer_balance",)) -> tuple[Json, str]:
    """An invoice over 50.00 USD that waits for a bank transfer, and the address of its payment page."""
    settings: Any = {f"payment_settings[payment_method_types][{n}]": kind for n, kind in enumerate(types)}
    invoice = await stage.invoice(**settings)
    await stage.tell(*await stage.events())
    path = f"/v1/invoices/{invoice['id']}"
    link = await api.post(f"{path}/payment-link")
    await api.patch(f"{path}/payment-intent", {"description": "Order 7"})  # which finds out which one it is
    return await api.get(path), link["url"]


async def fund(stage: Stage, invoice: Json, amount: int) -> None:
    known = {event["id"] for event in await stage.events()}
    form = {"amount": amount, "currency": "usd"}
    await stage.dashboard(f"test_helpers/customers/{invoice['customer']}/fund_cash_balance", **form)
    await stage.tell(*[event for event in await stage.events() if event["id"] not in known])


async def test_a_bank_transfer_of_too_little_is_told_and_the_page_asks_for_the_rest(api: Caller, stage: Stage) -> None:
    invoice, url = await transferred(api, stage)
    path = f"/v1/invoices/{invoice['id']}"
    intent = (await stage.sandbox.dashboard.get(f"/v1/payment_intents/{invoice['payment_intent']}")).json()
    reference = intent["next_action"]["display_bank_transfer_instructions"]["reference"]
    page = (await stage.client.get(url)).text
    for said in ("Pay by bank transfer", "$50.00", reference, "Account number", "110000000", "Sandbox Ltd"):
        assert said in page
    assert "another_way" not in page  # there is none
    assert "who must transfer the money" in await because(api, invoice)
    await fund(stage, invoice, 2000)
    page = (await stage.client.get(url)).text
    assert "$20.00 has arrived, thank you" in page
    assert "$30.00" in page
    assert "So far 20.00 USD of 50.00 USD has arrived" in await because(api, invoice)
    fulfillment = await api.get(f"{path}/fulfillment")
    told = fulfillment["payment_attempts"][-1]
    assert (fulfillment["status"], told["outcome"], told["amount"]) == ("action_required", "partly_funded", 2000)
    events = (await api.get("/v1/events", types="payment.partly_funded"))["data"]
    assert [event["data"]["payment"]["amount"] for event in events] == [2000]
    await fund(stage, invoice, 3000)
    assert (await api.get(path))["status"] == "paid"
    assert (await api.get(f"{path}/fulfillment"))["status"] == "fulfilled"
    assert "This invoice is paid" in (await stage.client.get(url)).text


async def test_a_transfer_that_does_not_say_what_is_left_waits_for_the_payer(api: Caller, stage: Stage) -> None:
    invoice, _ = await transferred(api, stage)
    form = {"amount": 2000, "currency": "usd"}
    await stage.dashboard(f"test_helpers/customers/{invoice['customer']}/fund_cash_balance", **form)
    [event] = [it for it in await stage.events() if it["type"] == "payment_intent.partially_funded"]
    event["data"]["object"]["next_action"]["display_bank_transfer_instructions"]["amount_remaining"] = None
    await stage.tell(event)
    assert await stage.rows("SELECT status FROM webhook_events WHERE id = $1", event["id"]) == [{"status": "processed"}]
    fulfillment = await api.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert fulfillment["status"] == "action_required"
    assert "partly_funded" not in {it["outcome"] for it in fulfillment["payment_attempts"]}


async def test_a_bank_transfer_of_too_much_pays_what_is_owed_and_no_more(api: Caller, stage: Stage) -> None:
    invoice, _ = await transferred(api, stage)
    await fund(stage, invoice, 9000)
    shown = await api.get(f"/v1/invoices/{invoice['id']}")
    assert (shown["status"], shown["amount_paid"], shown["amount_overpaid"]) == ("paid", 5000, 0)
    balance = (await stage.sandbox.dashboard.get(f"/v1/customers/{invoice['customer']}/cash_balance")).json()
    assert balance["available"] == {"usd": 4000}  # it waits for the next invoice


async def test_what_is_overpaid_is_said_on_the_page(api: Caller, stage: Stage) -> None:
    invoice, url = await transferred(api, stage, types=("card",))
    terms = {"amount": 4000, "currency": "usd", "customer": invoice["customer"]}
    made = [await stage.dashboard("payment_intents", **terms) for _ in range(2)]
    for intent in made:
        await api.post(f"/v1/invoices/{invoice['id']}/attach-payment", {"payment_intent": intent["id"]})
    for intent in made:
        await stage.dashboard(
            f"payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa", return_url="https://shop.example/"
        )
    await stage.tell(*await stage.events())
    shown = await api.get(f"/v1/invoices/{invoice['id']}")
    assert (shown["status"], shown["amount_overpaid"]) == ("paid", 3000)
    assert "$30.00 more than was owed arrived" in (await stage.client.get(url)).text


async def test_a_payer_may_leave_the_transfer_and_pay_another_way(api: Caller, stage: Stage) -> None:
    invoice, url = await transferred(api, stage, types=("card", "customer_balance"))
    assert "Payment details" in (await stage.client.get(f"{url}?transfer")).text  # nobody chose the transfer
    intent = f"payment_intents/{invoice['payment_intent']}/confirm"
    await stage.dashboard(intent, **{"payment_method_data[type]": "customer_balance"})
    assert "Pay by bank transfer" in (await stage.client.get(f"{url}?transfer")).text  # before its event came
    await stage.tell(*await stage.events())
    page = (await stage.client.get(url)).text
    assert "Pay by bank transfer" in page
    assert "another_way" in page
    assert "Payment details" in (await stage.client.get(f"{url}?another_way")).text
    status = (await stage.client.get(f"{url}/status")).json()
    assert status["fulfillment"]["required_action"] == "display_bank_transfer_instructions"
    await stage.sandbox.fault("GET", "/v1/payment_intents/*", status=500)
    page = (await stage.client.get(url)).text
    assert "This page cannot be shown right now" in page
    assert "charged" not in page  # it may follow a payment
    await stage.sandbox.clear_faults()


async def test_the_page_says_when_stripe_charges_by_itself(api: Caller, stage: Stage) -> None:
    invoice = await charged(api, "pm_card_visa")
    link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link")
    assert "it is charged to the saved payment method on" in (await stage.client.get(link["url"])).text
    await api.patch(f"/v1/invoices/{invoice['id']}", {"auto_advance": False})
    assert "it is charged to the saved payment method on" not in (await stage.client.get(link["url"])).text
