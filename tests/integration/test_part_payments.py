"""A payer pays a part of an invoice on its payment page: one part waits at a time, and no more than what remains is taken."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import PUBLISHABLE_KEY, Sandbox

Json = dict[str, Any]


async def link_to(api: Caller, invoice: Json, minimum: int | None = 500) -> str:
    body = {"minimum_payment": minimum} if minimum else {}
    link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link", body)
    assert link["minimum_payment"] == minimum
    return f"/pay/{link['url'].rpartition('/')[2]}"


async def part(api: Caller, link: str, amount: Any, **headers: str) -> Any:
    return await api.client.post(f"{link}/part", json={"amount": amount}, headers={"Authorization": "", **headers})


async def confirm(sandbox: Sandbox, session: Json, card: str = "pm_card_visa") -> Json:
    """Confirm as Stripe.js does: with the publishable key and the client secret."""
    form = {"key": PUBLISHABLE_KEY, "client_secret": session["client_secret"], "payment_method": card}
    form["return_url"] = "https://shop.example/"
    answer = await sandbox.dashboard.post(
        f"/v1/payment_intents/{session['payment_intent']}/confirm", data=form, headers={"Authorization": ""}
    )
    return dict(answer.json())


async def payments_of(api: Caller, invoice: Json) -> list[tuple[str, int]]:
    listed = (await api.get(f"/v1/invoices/{invoice['id']}/payments"))["data"]
    return sorted((one["status"], one["amount_requested"]) for one in listed)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A payer in these tests asks more often than once a second."""
    monkeypatch.setattr("app.access.authentication.Authentication.limit_client_secrets", _unlimited)


async def _unlimited(_self: object, _link: str) -> None:
    pass


async def test_a_part_is_paid_and_then_the_rest(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    link = await link_to(live, invoice)
    assert "A part of it" in (await live.client.get(link)).text
    session = (await part(live, link, 800)).json()
    assert (session["amount"], session["currency"], session["publishable_key"]) == (800, "usd", PUBLISHABLE_KEY)
    assert await payments_of(live, invoice) == [("open", 800), ("open", 2000)]
    assert (await confirm(sandbox, session))["status"] == "succeeded"
    await live.settled()

    status = (await live.client.get(f"{link}/status")).json()
    assert (status["status"], status["amount_remaining"], status["paid"]) == ("open", 1200, [session["payment_intent"]])
    assert (await live.get(f"/v1/invoices/{invoice['id']}/fulfillment"))["status"] == "awaiting_payment"
    page = (await live.client.get(link)).text
    assert "Left to pay" in page
    assert "12.00" in page
    timeline = await live.get(f"/v1/invoices/{invoice['id']}/timeline")
    assert "only 8.00 USD of 20.00 USD is paid" in timeline["unpaid_because"]

    whole = (await live.client.get(f"{link}/session")).json()
    assert (await confirm(sandbox, whole))["amount"] == 1200
    await live.settled()
    fulfillment = await live.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 2000)
    paid = [one for one in fulfillment["payment_attempts"] if one["outcome"] == "paid"]
    assert {one["payment_intent"]: one["amount"] for one in paid} == {
        session["payment_intent"]: 800,
        whole["payment_intent"]: 1200,
    }
    told = (await live.get("/v1/events", types="payment.succeeded", invoice=invoice["id"]))["data"]
    assert [(one["data"]["payment"]["id"], one["data"]["payment"]["amount"]) for one in told] == [
        (session["payment_intent"], 800),
        (whole["payment_intent"], 1200),
    ]


@pytest.mark.parametrize("amount", [499, 1501, 2000, 2001, 0, -800, 10**30])
async def test_too_little_and_too_much_are_refused_with_what_may_be_paid(api: Caller, amount: int) -> None:
    link = await link_to(api, await api.open())
    answer = await part(api, link, amount)
    assert (answer.status_code, answer.json()["param"]) == (422, "amount")


@pytest.mark.parametrize("amount", [8.5, "800", True, None])
async def test_what_is_no_amount_is_refused(api: Caller, amount: object) -> None:
    link = await link_to(api, await api.open())
    answer = await part(api, link, amount)
    assert (answer.status_code, answer.json()["param"]) == (422, "amount")


async def test_only_a_link_that_says_so_takes_parts(api: Caller) -> None:
    invoice = await api.open()
    link = await link_to(api, invoice, None)
    assert (await part(api, link, 800)).status_code == 403
    assert "A part of it" not in (await api.client.get(link)).text
    path = f"/v1/invoices/{invoice['id']}/payment-link"
    said = await api.refused("POST", path, 422, "validation_error", {"minimum_payment": 1001})
    assert said["param"] == "minimum_payment"


async def test_of_two_payers_the_later_one_ends_the_part_that_waits(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    one, other = [await link_to(live, invoice) for _ in range(2)]
    first = (await part(live, one, 1500)).json()
    second = (await part(live, other, 1200)).json()
    refused = await confirm(sandbox, first)
    assert refused["error"]["payment_intent"]["status"] == "canceled"
    await confirm(sandbox, second)
    await live.settled()
    assert await payments_of(live, invoice) == [("canceled", 1500), ("open", 800), ("paid", 1200)]


async def test_two_payers_at_the_same_moment_never_take_more_than_what_remains(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    links = [await link_to(live, invoice) for _ in range(4)]
    answers = await asyncio.gather(*(part(live, link, 1500) for link in links))
    assert {answer.status_code for answer in answers} <= {200, 409}
    taken = [answer.json() for answer in answers if answer.is_success]
    assert taken
    assert all(answer.json()["code"] == "invoice_busy" for answer in answers if not answer.is_success)
    for session in taken:
        await confirm(sandbox, session)
    await live.settled()
    invoice = await live.get(f"/v1/invoices/{invoice['id']}")
    assert invoice["amount_paid"] == 1500


async def test_while_a_part_is_under_way_no_other_one_begins(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    link = await link_to(live, invoice)
    session = (await part(live, link, 800)).json()
    await sandbox.mode(hold=True)  # the service has not heard of it
    assert (await confirm(sandbox, session, "pm_usBankAccount_processing"))["status"] == "processing"
    for _ in range(2):
        answer = await part(live, link, 700)
        assert (answer.status_code, answer.json()["code"]) == (409, "invoice_busy")
        await sandbox.mode(hold=False)
        await live.settled()
    await sandbox.settle(session["payment_intent"])
    await live.settled()
    assert (await part(live, link, 700)).is_success


async def test_a_part_that_was_paid_before_the_service_heard_is_counted(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    link = await link_to(live, invoice)
    await sandbox.mode(hold=True)
    await confirm(sandbox, (await part(live, link, 1200)).json())
    assert (await part(live, link, 1500)).status_code == 409  # asks Stripe, and then knows
    answer = await part(live, link, 1500)
    assert (answer.status_code, answer.json()["param"]) == (422, "amount")
    assert "only 8.00 USD can be paid" in answer.json()["detail"]
    await sandbox.release()
    await live.settled()


async def test_what_stripe_does_not_attach_is_undone(live: Caller, sandbox: Sandbox) -> None:
    """The rest was paid at Stripe meanwhile, and the service has not heard of it."""
    invoice = await live.open()
    link = await link_to(live, invoice)
    await sandbox.mode(hold=True)
    await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/pay", data={"payment_method": "pm_card_visa"})
    answer = await part(live, link, 800)
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    intents = {one["amount"]: one["status"] for one in (await sandbox.state())["payment_intent"]}
    assert intents == {2000: "succeeded", 800: "canceled"}
    await sandbox.release()
    await live.settled()


async def test_the_same_request_repeated_begins_one_part(api: Caller, sandbox: Sandbox) -> None:
    link = await link_to(api, await api.open())
    first, again = [(await part(api, link, 800, **{"Idempotency-Key": "k1"})).json() for _ in range(2)]
    assert first == again
    assert first["client_secret"]
    assert len((await sandbox.state())["payment_intent"]) == 2
    assert (await part(api, link, 800, **{"Idempotency-Key": "k" * 300})).status_code == 422


@pytest.mark.parametrize("act", ["void", "mark-uncollectible"])
async def test_a_part_that_waits_hinders_nobody(live: Caller, sandbox: Sandbox, act: str) -> None:
    invoice = await live.open()
    link = await link_to(live, invoice)
    session = (await part(live, link, 800)).json()
    await live.post(f"/v1/invoices/{invoice['id']}/{act}")
    assert (await confirm(sandbox, session))["error"]["payment_intent"]["status"] == "canceled"


async def test_a_revision_is_finalized_although_a_part_of_the_old_one_waits(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    await part(live, await link_to(live, invoice), 800)
    draft = await live.post(f"/v1/invoices/{invoice['id']}/revise")
    await live.post(f"/v1/invoices/{draft['id']}/finalize")
    assert (await live.get(f"/v1/invoices/{invoice['id']}"))["status"] == "void"


async def test_an_abandoned_part_is_undone_by_the_completer(make_app: Callable[..., Any], sandbox: Sandbox) -> None:
    api = await make_app(completion_grace_s=0)
    invoice = await api.open()
    link = await link_to(api, invoice)
    await sandbox.fault("POST", "/v1/invoices/*/attach_payment", status=500, times=9)
    assert (await part(api, link, 800)).status_code == 502
    assert (await part(api, link, 800)).json()["code"] == "invoice_busy"
    await sandbox.clear_faults()
    assert await api.container.completer().run_once() == 1
    assert {one["amount"]: one["status"] for one in (await sandbox.state())["payment_intent"]} == {
        2000: "requires_payment_method",
        800: "canceled",
    }
    assert (await part(api, link, 800)).is_success
