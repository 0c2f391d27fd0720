"""Refunds through the API: which payments, how much, once, and never more than what was paid."""

import asyncio
from typing import Any

import msgspec
import pytest

from app.container import Container
from app.domain.errors import InvoiceBusy, InvoicingError, RefundTooLarge
from app.idempotency.operations import Answer, Call
from tests.fixtures.caller import Caller, Json
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox


async def payment(api: Caller, invoice: Json) -> Json:
    [found] = (await api.get(f"/v1/invoices/{invoice['id']}/payments"))["data"]
    return dict(found)


async def paid_in_parts(live: Caller, sandbox: Sandbox, *amounts: int) -> Json:
    """An invoice over 50.00 USD that these payments pay, the last one newest."""
    item = {"amount": sum(amounts), "currency": "usd", "description": "Consulting"}
    invoice = await live.open(items=[item])
    for amount in amounts:
        terms = {"amount": amount, "currency": "usd", "customer": invoice["customer"]}
        made = (await sandbox.dashboard.post("/v1/payment_intents", data=terms)).json()
        await live.post(f"/v1/invoices/{invoice['id']}/attach-payment", {"payment_intent": made["id"]})
        path = f"/v1/payment_intents/{made['id']}/confirm"
        assert (
            await sandbox.dashboard.post(
                path, data={"payment_method": "pm_card_visa", "return_url": "https://shop.example/"}
            )
        ).is_success
        await sandbox.advance(2)
    await live.settled()
    return await live.get(f"/v1/invoices/{invoice['id']}")


async def test_without_an_amount_all_of_it_is_refunded(live: Caller) -> None:
    invoice = await live.paid()
    made = await live.post(f"/v1/invoices/{invoice['id']}/refunds")
    [refund] = made["refunds"]
    assert (made["invoice"], made["amount"], made["currency"]) == (invoice["id"], 2000, "usd")
    assert (refund["amount"], refund["status"], made["not_refunded"]) == (2000, "succeeded", None)
    assert await live.get(f"/v1/refunds/{refund['id']}") == refund
    await live.settled()
    fulfillment = await live.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["amount_refunded"], fulfillment["amount_kept"]) == ("reversed", 2000, 0)
    assert (await live.get(f"/v1/invoices/{invoice['id']}"))["status"] == "paid"


async def test_a_part_is_refunded_with_its_reason_metadata_and_reference(api: Caller) -> None:
    invoice = await api.paid()
    body = {"amount": 500, "reason": "duplicate", "metadata": {"ticket": "7"}, "reference": "return-1"}
    [refund] = (await api.post(f"/v1/invoices/{invoice['id']}/refunds", body))["refunds"]
    assert {name: refund[name] for name in body} == body
    assert (await api.get("/v1/refunds", reference="return-1"))["data"] == [refund]
    taken = await api.refused("POST", f"/v1/invoices/{invoice['id']}/refunds", 409, "reference_taken", body)
    assert taken["existing"] == refund["id"]


async def test_several_payments_are_refunded_newest_first_each_by_a_call_of_its_own(
    live: Caller, sandbox: Sandbox
) -> None:
    invoice = await paid_in_parts(live, sandbox, 1000, 3000)
    assert invoice["status"] == "paid"
    made = await live.post(f"/v1/invoices/{invoice['id']}/refunds", {"amount": 3500, "reference": "r-1"})
    assert [refund["amount"] for refund in made["refunds"]] == [3000, 500]
    assert [refund["reference"] for refund in made["refunds"]] == ["r-1", None]
    calls = [call for call in await sandbox.requests(method="POST", path="/v1/refunds") if call["executed"]]
    assert len({call["idempotency_key"] for call in calls}) == 2
    left = await live.post(f"/v1/invoices/{invoice['id']}/refunds")
    assert [refund["amount"] for refund in left["refunds"]] == [500]


async def test_the_named_payment_is_refunded(live: Caller, sandbox: Sandbox) -> None:
    invoice = await paid_in_parts(live, sandbox, 1000, 3000)
    payments = (await live.get(f"/v1/invoices/{invoice['id']}/payments"))["data"]
    older = next(one["payment_intent"] for one in payments if one["amount_paid"] == 1000)
    path = f"/v1/invoices/{invoice['id']}/refunds"
    made = await live.post(path, {"payment_intent": older})
    assert [(refund["payment_intent"], refund["amount"]) for refund in made["refunds"]] == [(older, 1000)]
    unknown = await live.refused("POST", path, 422, "validation_error", {"payment_intent": "pi_other"})
    assert unknown["param"] == "payment_intent"


async def test_what_stripe_refuses_after_a_part_is_refunded_is_said(live: Caller, sandbox: Sandbox) -> None:
    invoice = await paid_in_parts(live, sandbox, 1000, 3000)
    payments = (await live.get(f"/v1/invoices/{invoice['id']}/payments"))["data"]
    older = next(one["payment_intent"] for one in payments if one["amount_paid"] == 1000)
    await sandbox.mode(hold=True)
    await sandbox.dashboard.post("/v1/refunds", data={"payment_intent": older, "amount": 600})
    path, key = f"/v1/invoices/{invoice['id']}/refunds", {"Idempotency-Key": "several"}
    made = await live.post(path, headers=key)
    assert (made["amount"], [refund["amount"] for refund in made["refunds"]]) == (3000, [3000])
    assert (made["not_refunded"]["amount"], made["not_refunded"]["code"]) == (1000, "stripe_invalid_request")
    assert await live.post(path, headers=key) == made


@pytest.mark.parametrize(
    ("status", "code", "how"),
    [
        ("draft", "invalid_state", {}),
        ("void", "invalid_state", {}),
        ("open", "nothing_to_refund", {}),
        ("uncollectible", "nothing_to_refund", {}),
    ],
)
async def test_what_is_not_paid_is_refused_by_name(api: Caller, status: str, code: str, how: Json) -> None:
    invoice = await api.made(status)
    await api.refused("POST", f"/v1/invoices/{invoice['id']}/refunds", 409, code, how)


async def test_what_was_paid_out_of_band_is_refused_by_name(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    await api.post(f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})
    refused = await api.refused("POST", f"/v1/invoices/{invoice['id']}/refunds", 409, "nothing_to_refund")
    assert refused["refundable"] == 0
    assert await sandbox.requests(method="POST", path="/v1/refunds") == []


async def test_more_than_what_is_left_is_refused_before_stripe_is_asked(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.paid()
    path = f"/v1/invoices/{invoice['id']}/refunds"
    await api.post(path, {"amount": 1500})
    refused = await api.refused("POST", path, 409, "refund_too_large", {"amount": 501})
    assert (refused["refundable"], refused["param"]) == (500, "amount")
    await api.post(path, {"amount": 500})
    await api.refused("POST", path, 409, "nothing_to_refund")
    assert len(await sandbox.requests(method="POST", path="/v1/refunds")) == 2


async def test_what_credit_notes_gave_back_cannot_be_refunded_as_well(api: Caller) -> None:
    invoice = await api.paid()
    note = {"amount": 1500, "credit_amount": 1500}
    await api.post(f"/v1/invoices/{invoice['id']}/credit-notes", note)
    refused = await api.refused(
        "POST", f"/v1/invoices/{invoice['id']}/refunds", 409, "refund_too_large", {"amount": 501}
    )
    assert refused["refundable"] == 500


async def test_what_a_dispute_holds_is_refused_by_name(live: Caller, sandbox: Sandbox) -> None:
    invoice, _another = await live.paid(), await live.paid()
    await sandbox.dispute((await payment(live, invoice))["payment_intent"])
    await live.settled()
    path = f"/v1/invoices/{invoice['id']}/refunds"
    assert (await live.refused("POST", path, 409, "payment_disputed"))["refundable"] == 0
    assert await sandbox.requests(method="POST", path="/v1/refunds") == []


async def test_a_dispute_that_only_stripe_knows_is_refused_by_name(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.paid()
    await sandbox.mode(hold=True)
    await sandbox.dispute((await payment(api, invoice))["payment_intent"])
    refused = await api.refused("POST", f"/v1/invoices/{invoice['id']}/refunds", 409, "payment_disputed")
    assert refused["stripe"]["code"] == "charge_disputed"


async def test_refunds_that_only_stripe_knows_are_found_when_it_refuses(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.paid()
    await sandbox.mode(hold=True)
    intent = (await payment(api, invoice))["payment_intent"]
    for amount in (1100, *[1] * 100):
        await sandbox.dashboard.post("/v1/refunds", data={"payment_intent": intent, "amount": amount})
    path = f"/v1/invoices/{invoice['id']}/refunds"
    refused = await api.refused("POST", path, 409, "refund_too_large", {"amount": 900})
    assert refused["refundable"] == 800
    assert sum(one["amount"] for one in await api.every("/v1/refunds")) == 1200


async def test_a_payment_whose_webhook_is_on_its_way_can_be_refunded(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    await sandbox.mode(hold=True)
    paid = await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/pay", data={"payment_method": "pm_card_visa"})
    assert paid.is_success
    made = await api.post(f"/v1/invoices/{invoice['id']}/refunds")
    assert made["amount"] == 2000


async def test_payments_whose_amounts_an_older_release_did_not_record_are_all_refunded(
    live: Caller, sandbox: Sandbox, database: Database
) -> None:
    invoice = await paid_in_parts(live, sandbox, 1000, 3000)
    connection = await database.connect()
    older = "UPDATE invoice_payments SET status = NULL, amount_paid = NULL, paid_at = NULL, created_at = NULL"
    await connection.execute(f"{older} WHERE invoice = $1 AND amount_paid = 1000", invoice["id"])
    await connection.close()
    made = await live.post(f"/v1/invoices/{invoice['id']}/refunds")
    assert sorted(refund["amount"] for refund in made["refunds"]) == [1000, 3000]


async def refund(container: Container, invoice: Json, amount: int) -> Answer | InvoicingError:
    call = Call("tests", f"POST /v1/invoices/{invoice['id']}/refunds", {"amount": amount}, subject=invoice["id"])
    try:
        return await container.operations.run(call, container.refunds.create_refund)
    except InvoicingError as error:
        return error


async def test_two_refunds_at_once_never_exceed_what_was_paid(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.paid()
    outcomes = await asyncio.gather(*(refund(live.container, invoice, 1200) for _ in range(4)))
    made = [one for one in outcomes if isinstance(one, Answer)]
    assert len(made) == 1
    assert {type(one) for one in outcomes if not isinstance(one, Answer)} <= {InvoiceBusy, RefundTooLarge}
    assert isinstance(await refund(live.container, invoice, 1200), RefundTooLarge)
    assert sum(one["amount"] for one in (await sandbox.state())["refund"]) == 1200
    executed = [one for one in await sandbox.requests(method="POST", path="/v1/refunds") if one["executed"]]
    assert len(executed) == 1, "the others never reach Stripe"


async def test_what_a_refused_refund_had_reserved_is_free_again(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.paid()
    await sandbox.fault(
        "POST", "/v1/refunds", status=400, times=1, error={"type": "invalid_request_error", "message": "No."}
    )
    refused = await refund(live.container, invoice, 1200)
    assert isinstance(refused, InvoicingError)
    assert refused.code == "stripe_invalid_request"
    assert isinstance(await refund(live.container, invoice, 2000), Answer)


async def test_what_an_interrupted_refund_reserved_is_kept_until_it_is_finished(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.paid()
    await sandbox.fault("POST", "/v1/refunds", kind="drop_response", times=10)
    key = {"Idempotency-Key": "interrupted"}
    path = f"/v1/invoices/{invoice['id']}/refunds"
    interrupted = await live.send("POST", path, {"amount": 1200}, headers=key)
    assert interrupted.status_code in {502, 503, 504}
    busy = await live.refused("POST", path, 409, "invoice_busy", {"amount": 1200})
    assert busy["retry_after"] == 1
    await sandbox.clear_faults()
    assert (await live.post(path, {"amount": 1200}, headers=key))["amount"] == 1200
    await live.refused("POST", path, 409, "refund_too_large", {"amount": 1200})
    assert [one["amount"] for one in (await sandbox.state())["refund"]] == [1200]


async def test_a_refund_that_waits_for_the_customer_is_canceled(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    await live.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_pendingRefund"})
    [made] = (await live.post(f"/v1/invoices/{invoice['id']}/refunds"))["refunds"]
    await live.settled()
    path = f"/v1/refunds/{made['id']}/cancel"
    await live.refused("POST", path, 409, "invalid_state")
    await sandbox.settle_refund(made["id"], "requires_action")
    await live.settled()
    canceled = await live.post(path)
    assert (canceled["id"], canceled["status"]) == (made["id"], "canceled")
    await live.settled()
    fulfillment = await live.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["amount_refunded"]) == ("fulfilled", 0)
    await live.refused("POST", "/v1/refunds/re_none/cancel", 404, "not_found")


async def test_the_feed_tells_of_a_refund(live: Caller) -> None:
    invoice = await live.paid()
    await live.post(f"/v1/invoices/{invoice['id']}/refunds", {"amount": 500})
    await live.settled()
    found: list[Any] = []
    while not [one for one in found if one["type"] == "refund.created"]:
        found = (await live.get("/v1/events", invoice=invoice["id"], wait=5))["data"]
    [told] = [one for one in found if one["type"] == "refund.created"]
    assert (told["data"]["refund"]["amount"], told["data"]["invoice"]["id"]) == (500, invoice["id"])
    assert told["data"]["previous_status"] is None
    assert msgspec.json.encode(told)


async def test_a_payment_that_is_attached_pays_a_part(live: Caller, sandbox: Sandbox) -> None:
    invoice = await paid_in_parts(live, sandbox, 700)
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", 700)
    path = f"/v1/invoices/{invoice['id']}/attach-payment"
    await live.refused("POST", path, 409, "invalid_state", {"payment_intent": "pi_other"})


LEFT = "UPDATE operations SET created_at = now() - interval '2 hours', locked_until = now() - interval '1 hour' WHERE answered_at IS NULL"


async def test_what_nobody_finished_says_what_was_refunded_and_frees_the_rest(
    live: Caller, sandbox: Sandbox, database: Database
) -> None:
    invoice = await paid_in_parts(live, sandbox, 1000, 3000)
    await sandbox.fault("POST", "/v1/refunds", kind="slow", delay_ms=1, times=1)
    await sandbox.fault("POST", "/v1/refunds", status=503)
    path, key = f"/v1/invoices/{invoice['id']}/refunds", {"Idempotency-Key": "left"}
    await live.refused("POST", path, 503, "stripe_unavailable", headers=key)
    await live.refused("POST", path, 409, "invoice_busy")
    await sandbox.clear_faults()
    connection = await database.connect()
    await connection.execute(LEFT)
    await connection.close()
    assert await live.container.completer().run_once() == 1
    made = await live.post(path, headers=key)
    assert ([refund["amount"] for refund in made["refunds"]], made["not_refunded"]["amount"]) == ([3000], 1000)
    assert (await live.post(path))["amount"] == 1000


async def test_a_payment_that_was_detached_cannot_be_refunded(live: Caller, sandbox: Sandbox) -> None:
    invoice = await paid_in_parts(live, sandbox, 1000, 3000)
    payments = (await live.get(f"/v1/invoices/{invoice['id']}/payments"))["data"]
    detached = next(one["payment_intent"] for one in payments if one["amount_paid"] == 3000)
    form = {"payment_intent": detached}
    await sandbox.advance(2)
    answer = await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/detach_payment", data=form)
    assert answer.is_success, answer.text
    await live.settled()
    assert (await live.get(f"/v1/invoices/{invoice['id']}"))["status"] == "open"
    payments = (await live.get(f"/v1/invoices/{invoice['id']}/payments"))["data"]
    assert {one["payment_intent"]: one["status"] for one in payments}[detached] == "canceled"
    made = await live.post(f"/v1/invoices/{invoice['id']}/refunds")
    assert made["amount"] == 1000


async def test_a_part_that_was_detached_from_an_open_invoice_cannot_be_refunded(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    made = (
        await sandbox.dashboard.post(
            "/v1/payment_intents", data={"amount": 700, "currency": "usd", "customer": invoice["customer"]}
        )
    ).json()
    path = f"/v1/invoices/{invoice['id']}"
    await live.post(f"{path}/attach-payment", {"payment_intent": made["id"]})
    form = {"payment_method": "pm_card_visa", "return_url": "https://shop.example/"}
    assert (await sandbox.dashboard.post(f"/v1/payment_intents/{made['id']}/confirm", data=form)).is_success
    await live.settled()
    await sandbox.advance(2)
    answer = await sandbox.dashboard.post(f"{path}/detach_payment", data={"payment_intent": made["id"]})
    assert answer.is_success, answer.text
    await live.settled()
    payments = {one["payment_intent"]: one["status"] for one in (await live.get(f"{path}/payments"))["data"]}
    assert payments[made["id"]] == "canceled"
    await live.refused("POST", f"{path}/refunds", 409, "nothing_to_refund")
    assert await sandbox.requests(method="POST", path="/v1/refunds") == []


async def test_what_a_credit_note_gave_back_of_a_cheque_leaves_the_card_payment_to_refund(live: Caller) -> None:
    invoice = await live.open()
    path = f"/v1/invoices/{invoice['id']}"
    await live.post(f"{path}/attach-payment", {"payment_record_data": {"display_name": "Cheque", "amount": 500}})
    await live.post(f"{path}/pay", {"payment_method": "pm_card_visa"})
    await live.settled()
    await live.post(f"{path}/credit-notes", {"amount": 500, "out_of_band_amount": 500})
    refused = await live.refused("POST", f"{path}/refunds", 409, "refund_too_large", {"amount": 1501})
    assert refused["refundable"] == 1500
    assert (await live.post(f"{path}/refunds"))["amount"] == 1500


async def test_a_credit_notes_refund_whose_webhook_is_on_its_way_is_not_refunded_again(api: Caller) -> None:
    invoice = await api.paid()
    note = {"amount": 1500, "refund_amount": 1000, "credit_amount": 500}
    await api.post(f"/v1/invoices/{invoice['id']}/credit-notes", note)
    path = f"/v1/invoices/{invoice['id']}/refunds"
    refused = await api.refused("POST", path, 409, "refund_too_large", {"amount": 1000})
    assert refused["refundable"] == 500
    assert (await api.post(path))["amount"] == 500


async def test_what_stripe_credited_to_the_balance_as_too_much_is_not_refunded_as_well(
    live: Caller, sandbox: Sandbox
) -> None:
    invoice = await live.open()
    path, form = (
        f"/v1/invoices/{invoice['id']}",
        {"payment_method": "pm_card_visa", "return_url": "https://shop.example/"},
    )
    terms = {"amount": 1500, "currency": "usd", "customer": invoice["customer"]}
    made = [(await sandbox.dashboard.post("/v1/payment_intents", data=terms)).json()["id"] for _ in range(2)]
    for one in made:
        await live.post(f"{path}/attach-payment", {"payment_intent": one})
    for one in made:
        assert (await sandbox.dashboard.post(f"/v1/payment_intents/{one}/confirm", data=form)).is_success
    await live.settled()
    now = await live.get(path)
    assert (now["amount_paid"], now["amount_overpaid"]) == (3000, 1000)
    assert (await live.refused("POST", f"{path}/refunds", 409, "refund_too_large", {"amount": 2001}))[
        "refundable"
    ] == 2000
    assert (await live.post(f"{path}/refunds"))["amount"] == 2000
    await live.settled()
    assert (await live.get(f"{path}/fulfillment"))["status"] == "reversed"
