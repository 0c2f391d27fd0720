"""Payments that were made elsewhere, by cheque or wire, pay an invoice or a part of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox

Json = dict[str, Any]
CHEQUE: Json = {"display_name": "Cheque", "payment_reference": "4711", "amount": 500}


def path_of(invoice: Json, rest: str = "attach-payment") -> str:
    return f"/v1/invoices/{invoice['id']}/{rest}"


async def attached(api: Caller, invoice: Json, **described: Any) -> Json:
    return await api.post(path_of(invoice), {"payment_record_data": CHEQUE | described})


async def records_of(api: Caller, invoice: Json) -> list[Json]:
    payments: list[Json] = (await api.get(path_of(invoice, "payments")))["data"]
    return [payment for payment in payments if payment["payment_record"]]


async def test_a_cheque_pays_a_part_and_a_wire_the_rest(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    part = await attached(live, invoice)
    assert (part["status"], part["amount_paid"], part["amount_remaining"]) == ("open", 500, 1500)
    wire = {"display_name": "Wire", "initiated_at": "2026-01-02T03:04:05Z"}
    paid = await live.post(path_of(invoice), {"payment_record_data": wire})
    await live.settled()
    assert (paid["status"], paid["amount_paid"], paid["settled_by"]) == ("paid", 2000, "out_of_band")
    fulfillment = await live.get(path_of(invoice, "fulfillment"))
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("fulfilled", 2000)
    assert (fulfillment["paid_out_of_band"], fulfillment["payment_intent"]) == (True, None)
    listed = await records_of(live, invoice)
    assert sorted((one["status"], one["amount_paid"], one["payment_intent"]) for one in listed) == [
        ("paid", 500, None),
        ("paid", 1500, None),
    ]
    at_stripe = {record["id"]: record for record in (await sandbox.state())["payment_record"]}
    assert {one["payment_record"] for one in listed} == at_stripe.keys()
    cheque = next(one for one in at_stripe.values() if one["amount"]["value"] == 500)
    assert cheque["payment_method_details"]["custom"]["display_name"] == "Cheque"
    assert cheque["processor_details"]["custom"]["payment_reference"] == "4711"


async def test_a_part_by_card_and_the_rest_by_cheque_are_told_apart(live: Caller) -> None:
    invoice = await live.open()
    await attached(live, invoice)
    await live.post(path_of(invoice, "pay"), {"payment_method": "pm_card_visa"})
    await live.settled()
    kinds = [
        (bool(one["payment_intent"]), bool(one["payment_record"]), one["amount_paid"])
        for one in (await live.get(path_of(invoice, "payments")))["data"]
    ]
    assert sorted(kinds) == [(False, True, 500), (True, False, 1500)]
    paid_by = next(
        filter(None, (it["payment_intent"] for it in (await live.get(path_of(invoice, "payments")))["data"]))
    )
    assert (await live.get(path_of(invoice, "fulfillment")))["payment_intent"] == paid_by
    refund = await live.post(path_of(invoice, "refunds"))  # Stripe cannot refund what it did not take
    assert refund["amount"] == 1500
    await live.settled()
    (day,) = await live.container.balance.check(datetime.now(UTC) - timedelta(days=1))
    assert (day.paid, day.refunded, day.differences) == (1500, 1500, [])  # a cheque is not in Stripe's balance


@pytest.mark.parametrize(("outcome", "status", "paid"), [("guaranteed", "paid", 500), ("failed", "canceled", 0)])
async def test_a_cheque_that_is_not_there_yet_counts_once_it_is_guaranteed(
    live: Caller, outcome: str, status: str, paid: int
) -> None:
    invoice = await live.open()
    pending = await attached(live, invoice, guaranteed=False)
    assert pending["amount_paid"] == 0
    (record,) = await records_of(live, invoice)
    assert record["status"] == "open"
    report = path_of(invoice, f"payment-records/{record['payment_record']}/report")
    answered = await live.post(report, {"outcome": outcome})
    assert answered["amount_paid"] == paid
    await live.settled()
    assert [(one["status"], one["amount_paid"] or 0) for one in await records_of(live, invoice)] == [(status, paid)]
    assert (await live.get(path_of(invoice)[: -len("/attach-payment")]))["amount_paid"] == paid
    await live.refused("POST", report, 422, "stripe_invalid_request", {"outcome": "canceled"})


async def test_too_much_by_cheque_is_credited_to_the_customer(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    paid = await attached(live, invoice, amount=2500)
    await live.settled()
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 2500, 0)
    customer = next(one for one in (await sandbox.state())["customer"] if one["id"] == invoice["customer"])
    assert customer["balance"] == -500
    await live.refused("POST", path_of(invoice), 409, "invalid_state", {"payment_record_data": CHEQUE})


async def test_what_does_not_fit_is_refused_by_our_names(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    both = {"payment_intent": "pi_1", "payment_record_data": CHEQUE}
    for body, param in (({}, "payment_intent"), (both, "payment_intent")):
        said = await api.refused("POST", path_of(invoice), 422, "validation_error", body)
        assert said["param"] == param
    late = {"payment_record_data": CHEQUE | {"initiated_at": "2099-01-01T00:00:00Z"}}
    said = await api.refused("POST", path_of(invoice), 422, "stripe_invalid_request", late)
    assert said["param"] == "payment_record_data.initiated_at"
    said = await api.refused("POST", path_of(invoice), 422, "stripe_invalid_request", {"payment_record": "pr_none"})
    assert said["param"] == "payment_record"
    await api.refused(
        "POST", path_of(invoice, "payment-records/pr_none/report"), 404, "not_found", {"outcome": "failed"}
    )
    assert "payment_record" not in await sandbox.state()


async def test_a_record_of_the_dashboard_may_be_attached_in_the_invoices_currency_alone(
    api: Caller, sandbox: Sandbox
) -> None:
    invoice = await api.open()
    made = []
    for currency in ("eur", "usd"):
        form = {
            "amount_requested[value]": "700",
            "amount_requested[currency]": currency,
            "initiated_at": "1700000000",
            "payment_method_details[type]": "custom",
            "payment_method_details[custom][display_name]": "Cash",
            "outcome": "guaranteed",
            "guaranteed[guaranteed_at]": "1700000000",
        }
        made.append((await sandbox.dashboard.post("/v1/payment_records/report_payment", data=form)).json()["id"])
    await api.refused("POST", path_of(invoice), 422, "stripe_invalid_request", {"payment_record": made[0]})
    assert (await api.post(path_of(invoice), {"payment_record": made[1]}))["amount_paid"] == 700


async def test_a_step_whose_failure_stripe_stored_is_found_by_no_event_and_done_once(
    live: Caller, sandbox: Sandbox
) -> None:
    invoice = await live.open()
    stored: Json = {"status": 500, "executes": True, "stored": True, "times": 1}
    await sandbox.fault("POST", "/v1/payment_records/report_payment", **stored)
    assert (await attached(live, invoice, guaranteed=False))["amount_paid"] == 0
    (record,) = await records_of(live, invoice)
    await sandbox.fault("POST", "/v1/payment_records/*/report_payment_attempt_guaranteed", **stored)
    report = path_of(invoice, f"payment-records/{record['payment_record']}/report")
    at = {"outcome": "guaranteed", "at": "2026-01-02T03:04:05Z"}
    assert (await live.post(report, at))["amount_paid"] == 500
    assert len((await sandbox.state())["payment_record"]) == 1


async def test_a_step_that_stripe_failed_is_done_under_its_next_key(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    await sandbox.fault("POST", "/v1/payment_records/*", status=500, stored=True, times=1)
    await attached(live, invoice, guaranteed=False)
    (record,) = await records_of(live, invoice)
    await sandbox.fault("POST", "/v1/payment_records/*/*", status=500, stored=True, times=1)
    report = path_of(invoice, f"payment-records/{record['payment_record']}/report")
    assert (await live.post(report, {"outcome": "guaranteed"}))["amount_paid"] == 500
    assert len((await sandbox.state())["payment_record"]) == 1
