"""Texts of Stripe's that PostgreSQL cannot hold are shown with U+FFFD, wherever they come in."""

import json

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Stage


async def test_a_nul_in_a_reference_does_not_poison_its_event(stage: Stage) -> None:
    await stage.dashboard("products", name="A", **{"metadata[reference]": "a\0b"})
    await stage.tell(*await stage.events())
    [row] = await stage.rows("SELECT reference FROM products")
    assert row["reference"] == "a\ufffdb"
    [event] = await stage.rows("SELECT status FROM webhook_events")
    assert event["status"] == "processed"


async def test_a_nul_in_an_answer_of_stripes_is_replaced(stage: Stage) -> None:
    made = await stage.dashboard("products", name="A", **{"metadata[reference]": "a\0b"})
    answer = await stage.container.gateway.get(f"/v1/products/{made['id']}")
    assert answer.data["metadata"] == {"reference": "a\ufffdb"}


@pytest.mark.parametrize("finalize", [False, True])
async def test_a_nul_in_a_refusal_does_not_keep_its_draft(api: Caller, sandbox: Sandbox, *, finalize: bool) -> None:
    """The refusal is recorded before the draft is deleted, and then stored as the answer."""
    customer = (await api.customer())["id"]
    struck = "finalize" if finalize else "add_lines"
    await sandbox.fault("POST", f"/v1/invoices/*/{struck}", status=400, message="No\0way.", code="a\0b", times=1)
    items = [{"amount": 100, "currency": "usd", "description": "x"}]
    body = {"customer": customer, "days_until_due": 1, "items": items, "finalize": finalize}
    for _ in range(2):
        problem = await api.refused(
            "POST", "/v1/invoices", 422, "stripe_invalid_request", body, headers={"Idempotency-Key": "one"}
        )
        assert "No\ufffdway." in problem["detail"]
        assert "\0" not in json.loads(json.dumps(problem["stripe"]))["code"]
    assert not (await sandbox.state()).get("invoice")


async def test_a_nul_in_a_decline_is_shown_in_the_fulfillment(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    events = await stage.events()
    for event in events:
        if event["type"] == "payment_intent.payment_failed":
            event["data"]["object"]["last_payment_error"]["message"] = "No\0money."
    await stage.tell(*events)
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["failure_message"] == "No\ufffdmoney."
