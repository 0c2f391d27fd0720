"""The policy of a fulfillment: the deployment's or the invoice's own, and kept as it was."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.domain.policy import FulfillOn, Policy
from app.fulfillment import policy_statements
from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Json, Stage

DEBIT = "pm_usBankAccount_processing"
EARLY = Policy(fulfill_on=FulfillOn.PROCESSING)


async def announce(stage: Stage, policy: Policy) -> None:
    async with stage.container.database.connection() as connection:
        await policy_statements.announce(connection, policy)


async def read(stage: Stage, invoice: Json) -> Json:
    return dict((await stage.client.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json())


async def debited(stage: Stage, **form: Any) -> tuple[Json, str]:
    """An invoice with a bank debit under way, and its PaymentIntent."""
    invoice = await stage.invoice(**form)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method=DEBIT)
    await stage.tell(*await stage.events())
    return invoice, str((await stage.event("payment_intent.processing"))["data"]["object"]["id"])


async def test_what_is_under_way_fulfills_where_the_policy_says_so_and_a_failure_reverses(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice, intent = await debited(stage)
    begun = await read(stage, invoice)
    assert (begun["status"], begun["amount_paid"]) == ("fulfilled", 0)
    await stage.sandbox.fail(intent)
    await stage.tell(*await stage.events())
    failed = await read(stage, invoice)
    assert (failed["status"], failed["failure"]["code"] is not None) == ("reversed", True)
    assert [entry["what"] for entry in failed["history"]] == ["awaiting_payment", "fulfilled", "reversed"]
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    paid = await read(stage, invoice)
    assert (paid["status"], paid["amount_paid"], paid["failure"]) == ("fulfilled", 5000, None)
    assert paid["history"][-1]["what"] == "reinstated"


async def test_the_payment_page_does_not_ask_again_for_what_is_under_way(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice, _ = await debited(stage)
    link = (await stage.client.post(f"/v1/invoices/{invoice['id']}/payment-link")).json()
    page = (await stage.client.get(link["url"])).text
    assert "/complete.js" in page
    assert "/pay.js" not in page


async def test_what_settles_stays_fulfilled(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice, intent = await debited(stage)
    await stage.sandbox.settle(intent)
    await stage.tell(*await stage.events())
    settled = await read(stage, invoice)
    assert (settled["status"], settled["amount_paid"], settled["amount_kept"]) == ("fulfilled", 5000, 5000)


async def test_another_policy_is_for_new_fulfillments(stage: Stage) -> None:
    before = await stage.invoice()
    await stage.tell(*await stage.events())
    await announce(stage, EARLY)
    after = await stage.invoice()
    await stage.tell(*await stage.events("invoice.finalized"))
    policies = [(await read(stage, it))["policy"]["fulfill_on"] for it in (before, after)]
    assert policies == ["paid", "processing"]


async def test_an_invoice_may_have_a_policy_of_its_own(live: Caller) -> None:
    own = {"reverse_on_partial": "above 50", "hold_on_dispute": False}
    invoice = await live.open(fulfillment_policy=own, metadata={"project": "x"})
    await live.settled()
    assert invoice["metadata"]["project"] == "x"
    fulfillment = await live.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert fulfillment["policy"] == {"fulfill_on": "paid", **own}


@pytest.mark.parametrize(
    "written", ["{", "[]", '{"fulfill_on": "never"}', '{"reverse_on_partial": "above 200"}', "null"]
)
async def test_what_is_no_policy_in_metadata_changes_nothing(stage: Stage, written: str) -> None:
    metadata: Json = {"metadata[fulfillment_policy]": written}
    invoice = await stage.invoice(**metadata)
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["policy"] == Policy().written()


@pytest.mark.parametrize("wrong", [{"reverse_on_partial": "above 100"}, {"fulfill_on": "draft"}, {"other": 1}])
async def test_a_policy_that_is_none_is_refused_by_name(api: Caller, wrong: Json) -> None:
    customer = await api.customer()
    body = {"customer": customer["id"], "fulfillment_policy": wrong}
    problem = await api.refused("POST", "/v1/invoices", 422, "validation_error", body)
    assert str(problem["param"]).startswith("fulfillment_policy.")


async def test_a_worker_announces_the_policy_of_its_settings(
    make_app: Callable[..., Awaitable[Caller]], sandbox: Sandbox
) -> None:
    caller = await make_app(reverse_on_partial="always", hold_on_dispute=False)
    await caller.container.performer().announce()
    async with caller.container.database.connection() as connection:
        assert await policy_statements.current(connection) == Policy(reverse_on_partial="always", hold_on_dispute=False)


async def test_while_a_debit_that_fulfilled_is_under_way_nobody_is_asked_to_pay(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice, _ = await debited(stage)
    timeline = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    assert (timeline["fulfillment"], timeline["next_step"]) == ("fulfilled", "wait")


async def test_no_part_begins_while_a_debit_that_fulfilled_is_under_way(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    made = await stage.client.post(f"/v1/invoices/{invoice['id']}/payment-link", json={"minimum_payment": 500})
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method=DEBIT)
    await stage.tell(*await stage.events())
    link = f"/pay/{made.json()['url'].rpartition('/')[2]}"
    answer = await stage.client.post(f"{link}/part", json={"amount": 800}, headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_busy")


async def test_after_the_debit_of_a_part_the_rest_is_asked_for(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    of = f"/v1/invoices/{invoice['id']}"
    made = await stage.client.post(f"{of}/payment-link", json={"minimum_payment": 500})
    link = f"/pay/{made.json()['url'].rpartition('/')[2]}"
    part = await stage.dashboard("payment_intents", amount=2000, currency="usd", customer=invoice["customer"])
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=part["id"])
    await stage.dashboard(
        f"payment_intents/{part['id']}/confirm", payment_method=DEBIT, return_url="https://shop.example/"
    )
    await stage.tell(*await stage.events())
    assert (await stage.client.get(f"{link}/status")).json()["under_way"] is True
    await stage.sandbox.settle(part["id"])
    await stage.tell(*await stage.events())
    timeline = (await stage.client.get(f"{of}/timeline")).json()
    assert (timeline["status"], timeline["fulfillment"], timeline["next_step"]) == ("open", "fulfilled", "pay")
    assert (await stage.client.get(f"{link}/status")).json()["under_way"] is False
    assert "/pay.js" in (await stage.client.get(link)).text
    portal = (await stage.client.post(f"/v1/customers/{invoice['customer']}/portal-link")).json()
    assert "See and pay it" in (await stage.client.get(portal["url"], headers={"Authorization": ""})).text
    answer = await stage.client.post(f"{link}/part", json={"amount": 800}, headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text


async def test_while_a_debit_for_what_is_owed_again_is_under_way_nobody_is_asked_to_pay(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.pay_and_detach(invoice["id"])
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method=DEBIT)
    await stage.tell(*await stage.events())
    of = f"/v1/invoices/{invoice['id']}"
    timeline = (await stage.client.get(f"{of}/timeline")).json()
    assert (timeline["fulfillment"], timeline["next_step"]) == ("reversed", "wait")
    assert "A payment is processing" in timeline["unpaid_because"]
    made = await stage.client.post(f"{of}/payment-link", json={"minimum_payment": 500})
    link = f"/pay/{made.json()['url'].rpartition('/')[2]}"
    assert "/complete.js" in (await stage.client.get(link)).text
    portal = (await stage.client.post(f"/v1/customers/{invoice['customer']}/portal-link")).json()
    assert "Your payment is on its way" in (await stage.client.get(portal["url"], headers={"Authorization": ""})).text
    answer = await stage.client.post(f"{link}/part", json={"amount": 800}, headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_busy")


async def test_a_part_that_is_refunded_takes_nothing_back_while_the_rest_is_under_way(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice = await stage.invoice()
    terms = {"amount": 2000, "currency": "usd", "customer": invoice["customer"]}
    part = await stage.dashboard("payment_intents", **terms)
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=part["id"])
    await stage.dashboard(
        f"payment_intents/{part['id']}/confirm", payment_method="pm_card_visa", return_url="https://shop.example/"
    )
    await stage.tell(*await stage.events())
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method=DEBIT)
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["status"] == "fulfilled"
    await stage.dashboard("refunds", payment_intent=part["id"])
    await stage.tell(*await stage.events())
    found = await read(stage, invoice)
    assert (found["status"], found["amount_refunded"]) == ("fulfilled", 2000)


async def test_a_payment_that_is_detached_reverses_whatever_the_policy(stage: Stage) -> None:
    await announce(stage, EARLY)
    invoice = await stage.invoice()
    await stage.pay_and_detach(invoice["id"])
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["status"] == "reversed"


@pytest.mark.parametrize(("policy", "status"), [(EARLY, "fulfilled"), (Policy(), "processing")], ids=["early", "usual"])
async def test_while_one_debit_is_under_way_another_payment_may_fail(stage: Stage, policy: Policy, status: str) -> None:
    await announce(stage, policy)
    invoice, intent = await debited(stage)
    made = await stage.dashboard("payment_intents", amount=2000, currency="usd", customer=invoice["customer"])
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=made["id"])
    await stage.sandbox.advance(2)
    declined = {"payment_method": "pm_card_visa_chargeDeclined", "return_url": "https://shop.example"}
    await stage.dashboard(f"payment_intents/{made['id']}/confirm", **declined)
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["status"] == status
    timeline = (await stage.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    assert timeline["next_step"] == "wait"
    await stage.sandbox.advance(2)
    await stage.sandbox.fail(intent)
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["status"] == ("reversed" if status == "fulfilled" else "payment_failed")


@pytest.mark.parametrize("in_order", [True, False], ids=["in order", "the failure last"])
@pytest.mark.parametrize("method", ["pm_card_authenticationRequired", "pm_card_visa"], ids=["called off", "paid"])
async def test_another_payment_keeps_nothing_that_a_failed_debit_takes_back(
    stage: Stage, method: str, *, in_order: bool
) -> None:
    await announce(stage, EARLY)
    invoice, intent = await debited(stage)
    part = await stage.dashboard("payment_intents", amount=2000, currency="usd", customer=invoice["customer"])
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=part["id"])
    await stage.tell(*await stage.events())
    await stage.sandbox.advance(2)
    await stage.sandbox.fail(intent)
    await stage.sandbox.advance(2)
    confirmed = {"payment_method": method, "return_url": "https://shop.example"}
    ended = await stage.dashboard(f"payment_intents/{part['id']}/confirm", **confirmed)
    if ended["status"] != "succeeded":
        await stage.dashboard(f"payment_intents/{part['id']}/cancel")
    events = await stage.events()
    await stage.tell(*(it for it in events if in_order or not it["type"].endswith("failed")))
    await stage.tell(*events)
    assert (await read(stage, invoice))["status"] == "reversed"
