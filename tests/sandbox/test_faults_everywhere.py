"""Every way in which a call can be lost, for each operation that moves money or changes what was agreed."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.process import RunningSandbox

LONG_AGO = 1_700_000_000
Calls = list[tuple[str, str]]


def posted(box: RunningSandbox, path: str, form: str) -> dict[str, Any]:
    answer = box.post(f"/v1/{path}", form)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def charged(box: RunningSandbox, token: str, amount: int = 2000) -> dict[str, Any]:
    form = f"amount={amount}&currency=usd&confirm=true&return_url=https://example.com/&payment_method={token}"
    return posted(box, "payment_intents", form)


def calls(box: RunningSandbox) -> Calls:
    """The operations, each with a subject of its own. The one after which things happen by themselves comes last."""
    customer = posted(box, "customers", "email=ada@example.com")["id"]
    coupon = posted(box, "coupons", "percent_off=10")["id"]
    promotion = posted(box, "promotion_codes", f"promotion[type]=coupon&promotion[coupon]={coupon}")["id"]
    rate = posted(box, "shipping_rates", "display_name=Post&fixed_amount[amount]=5&fixed_amount[currency]=usd")["id"]
    template = box.control("POST", "invoice_rendering_templates")["id"]
    tax_id = posted(box, "tax_ids", "type=us_ein&value=123456789")["id"]
    clocks = [posted(box, "test_helpers/test_clocks", f"frozen_time={_now(box)}")["id"] for _ in range(2)]
    for token in ("pm_card_createDispute", "pm_card_createDisputeInquiry"):
        charged(box, token)
    disputes = [it["id"] for it in box.get("/v1/disputes").json()["data"]]
    refunds = [posted(box, "refunds", f"payment_intent={charged(box, 'pm_card_pendingRefund')['id']}")["id"]]
    refunds += [posted(box, "refunds", f"payment_intent={charged(box, 'pm_card_pendingRefund')['id']}")["id"]]
    for refund in refunds:
        box.control("POST", f"refunds/{refund}/settle", status="requires_action")
    charged(box, "pm_card_bypassPending", 100_000)
    payouts = [posted(box, "payouts", "amount=100&currency=usd")["id"] for _ in range(2)]
    setups = [posted(box, "setup_intents", f"customer={customer}&payment_method=pm_card_visa")["id"] for _ in range(3)]
    record = f"payment_records/{posted(box, 'payment_records/report_payment', _report())['id']}"
    pending = [posted(box, "payment_records/report_payment", _report())["id"] for _ in range(3)]
    posted(box, f"{record}/report_payment_attempt_guaranteed", f"guaranteed_at={LONG_AGO}")
    invoice, paid_by = _paid(box, customer)
    waiting = posted(
        box,
        "payment_intents",
        f"amount=900&currency=usd&confirm=true&return_url=https://example.com/&payment_method_data[type]=customer_balance&customer={customer}",
    )["id"]
    posted(box, f"customers/{customer}/cash_balance", "settings[reconciliation_mode]=manual")
    posted(box, f"test_helpers/customers/{customer}/fund_cash_balance", "amount=900&currency=usd")
    refunding = "outcome=refunded&processor_details[type]=custom&processor_details[custom][refund_reference]=r"
    return [
        ("refunds", f"payment_intent={charged(box, 'pm_card_visa')['id']}&amount=5"),
        (f"refunds/{refunds[0]}/cancel", ""),
        (f"test_helpers/refunds/{refunds[1]}/expire", ""),
        (f"disputes/{disputes[0]}", "evidence[product_description]=A boat"),
        (f"disputes/{disputes[1]}/close", ""),
        ("payouts", "amount=5&currency=usd"),
        (f"payouts/{payouts[0]}/cancel", ""),
        (f"payouts/{payouts[1]}", "metadata[a]=b"),
        (
            "setup_intents",
            f"customer={customer}&payment_method=pm_card_visa&confirm=true&return_url=https://example.com/",
        ),
        (f"setup_intents/{setups[0]}/confirm", "return_url=https://example.com/"),
        (f"setup_intents/{setups[1]}/cancel", ""),
        (f"setup_intents/{setups[2]}", "metadata[a]=b"),
        ("payment_records/report_payment", _report()),
        (f"payment_records/{pending[0]}/report_payment_attempt_guaranteed", f"guaranteed_at={LONG_AGO}"),
        (f"payment_records/{pending[1]}/report_payment_attempt_failed", f"failed_at={LONG_AGO}"),
        (f"payment_records/{pending[2]}/report_payment_attempt_canceled", f"canceled_at={LONG_AGO}"),
        (f"{record}/report_refund", f"{refunding}&refunded[refunded_at]={LONG_AGO}"),
        (f"invoices/{invoice}/detach_payment", f"payment_intent={paid_by}"),
        (f"customers/{customer}/tax_ids", "type=eu_vat&value=DE123456789"),
        ("tax_ids", "type=us_ein&value=987654321"),
        (f"DELETE tax_ids/{tax_id}", ""),
        ("promotion_codes", f"promotion[type]=coupon&promotion[coupon]={coupon}"),
        (f"promotion_codes/{promotion}", "active=false"),
        ("shipping_rates", "display_name=Post&fixed_amount[amount]=7&fixed_amount[currency]=usd"),
        (f"shipping_rates/{rate}", "active=false"),
        (f"invoice_rendering_templates/{template}/archive", ""),
        ("test_helpers/test_clocks", f"frozen_time={_now(box)}"),
        (f"DELETE test_helpers/test_clocks/{clocks[1]}", ""),
        (f"payment_intents/{waiting}/apply_customer_balance", "amount=100"),
        (f"test_helpers/customers/{customer}/fund_cash_balance", "amount=5&currency=usd"),
        (f"test_helpers/test_clocks/{clocks[0]}/advance", f"frozen_time={_now(box) + 60}"),
    ]


def _now(box: RunningSandbox) -> int:
    return int(box.control("GET", "clock")["now"])


def _report() -> str:
    method = "payment_method_details[type]=custom&payment_method_details[custom][display_name]=Cash"
    return f"amount_requested[currency]=usd&amount_requested[value]=500&initiated_at={LONG_AGO}&{method}"


def _paid(box: RunningSandbox, customer: str) -> tuple[str, str]:
    """A paid invoice, and the PaymentIntent that paid it."""
    invoice = posted(box, "invoices", f"customer={customer}")["id"]
    posted(box, f"invoices/{invoice}/add_lines", "lines[0][amount]=1000")
    posted(box, f"invoices/{invoice}/pay", "payment_method=pm_card_visa")
    payments = box.get("/v1/invoice_payments", invoice=invoice).json()["data"]
    return invoice, payments[0]["payment"]["payment_intent"]


def sending(box: RunningSandbox, call: tuple[str, str], number: int) -> Callable[[], httpx.Response]:
    path, form = call
    method, _, rest = path.partition(" ")
    if rest:
        headers = {"Authorization": "Bearer sk_test_sandbox"}
        return lambda: box.http.request(method, f"/v1/{rest}", headers=headers, timeout=3)
    return lambda: box.post(f"/v1/{path}", form, **{"Idempotency-Key": f"call-{number}"})


def state(box: RunningSandbox) -> Any:
    return box.control("GET", "state")["objects"]


def still(box: RunningSandbox) -> None:
    """Nothing happens by itself: what the clock would do is far away."""
    box.switch(dispute_review_s=9_000_000, refund_settlement_s=9_000_000, tax_id_verification_s=9_000_000)


@pytest.mark.parametrize("kind", ["status", "drop_request", "timeout"])
def test_a_call_that_is_not_executed_changes_nothing(box: RunningSandbox, kind: str) -> None:
    still(box)
    for number, call in enumerate(calls(box)):
        send, before = sending(box, call, number), state(box)
        box.fault(kind, "/v1/*", times=1, delay_ms=1 if kind == "timeout" else 0)
        if kind == "status":
            assert send().status_code == 500, call
        else:
            with pytest.raises(httpx.TransportError):
                send()
        assert state(box) == before, call
        assert send().status_code == 200, call
        assert state(box) != before, call


def test_a_call_whose_answer_is_lost_is_executed_once(box: RunningSandbox) -> None:
    still(box)
    for number, call in enumerate(calls(box)):
        send, before = sending(box, call, number), state(box)
        box.fault("drop_response", "/v1/*", times=1)
        with pytest.raises(httpx.TransportError):
            send()
        after = state(box)
        assert after != before, call
        again = send()
        deleting = call[0].startswith("DELETE")
        assert (again.status_code, "idempotent-replayed" in again.headers) == (404 if deleting else 200, not deleting)
        if "advance" not in call[0]:
            assert state(box) == after, call


def test_what_was_answered_survives_a_killed_process(tmp_path: Path) -> None:
    arguments = ("--state", str(tmp_path / "state.sqlite3"))
    first = RunningSandbox(*arguments)
    still(first)
    asked = [call for call in calls(first) if "advance" not in call[0]]
    answers = [sending(first, call, number)().json() for number, call in enumerate(asked)]
    before = state(first)
    first.stop(signal.SIGKILL)
    second = RunningSandbox(*arguments)
    still(second)
    assert state(second) == before
    for number, call in enumerate(asked):
        if not call[0].startswith("DELETE"):
            assert sending(second, call, number)().json() == answers[number], call
    after = state(second)
    second.stop()
    assert after == before
