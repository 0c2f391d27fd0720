"""The money of our rows against Stripe's balance transactions, to the cent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.balance import Day, Difference, Heading
from tests.fixtures.caller import Caller
from tests.fixtures.shell import Shell
from tests.fixtures.stage import Stage

SINCE = timedelta(days=1)


async def compared(stage: Stage) -> list[Day]:
    """What was compared, as one day: a test may begin before midnight and end after it."""
    days = await stage.container.balance.check(datetime.now(UTC) - SINCE)
    for day in days[1:]:
        for name in (*Heading, "credited", "fees"):
            setattr(days[0], name, getattr(days[0], name) + getattr(day, name))
        days[0].differences += day.differences
    return days[:1]


async def paid(stage: Stage, **how: Any) -> dict[str, Any]:
    """An invoice that was paid, of which all events arrived, with its PaymentIntent."""
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", **{"payment_method": "pm_card_visa"} | how)
    await stage.tell(*await stage.events())
    [payment] = await stage.rows("SELECT payment_intent FROM invoice_payments WHERE invoice = $1", invoice["id"])
    return {"invoice": invoice["id"], "payment_intent": payment["payment_intent"]}


async def test_payments_refunds_and_disputes_balance(stage: Stage) -> None:
    await paid(stage)
    refunded = await paid(stage)
    await stage.dashboard("refunds", payment_intent=refunded["payment_intent"], amount=1200)
    await paid(stage, payment_method="pm_card_createDispute")
    await stage.tell(*await stage.events())
    [day] = await compared(stage)
    assert (day.paid, day.refunded, day.disputed, day.credited) == (15000, 1200, 5000, 0)
    assert day.fees > 0
    assert day.differences == []


async def test_what_never_arrived_is_a_difference_with_its_id(stage: Stage) -> None:
    one = await paid(stage)
    refund = await stage.dashboard("refunds", payment_intent=one["payment_intent"], amount=1200)
    [day] = await compared(stage)
    assert day.differences == [Difference(Heading.REFUNDED, refund["id"], "usd", 0, 1200)]
    assert (day.refunded, day.ours(Heading.REFUNDED)) == (1200, 0)


async def test_a_payment_that_is_unknown_here_is_found(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    [day] = await compared(stage)
    assert [(one.heading, one.ours, one.stripe) for one in day.differences] == [(Heading.PAID, 0, 5000)]


async def test_a_payment_that_only_we_know_is_found(stage: Stage) -> None:
    one = await paid(stage)
    await stage.rows(
        "UPDATE invoice_payments SET payment_intent = 'pi_gone' WHERE payment_intent = $1 RETURNING invoice",
        one["payment_intent"],
    )
    [day] = await compared(stage)
    assert {(it.id, it.ours, it.stripe) for it in day.differences} == {
        ("pi_gone", 5000, 0),
        (one["payment_intent"], 0, 5000),
    }


async def test_a_refund_that_failed_balances_over_its_days(stage: Stage) -> None:
    one = await paid(stage, payment_method="pm_card_refundFail")
    await stage.dashboard("refunds", payment_intent=one["payment_intent"])
    await stage.tell(*await stage.events())
    days = await compared(stage)
    assert [one for day in days for one in day.differences] == []


async def test_money_that_no_invoice_asked_for_is_left_out(stage: Stage) -> None:
    await stage.dashboard(
        "payment_intents",
        amount=700,
        currency="usd",
        payment_method="pm_card_visa",
        confirm="true",
        **{"automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"},
    )
    assert await compared(stage) == []


async def test_a_payment_that_was_detached_is_no_invoices_money(stage: Stage) -> None:
    one = await paid(stage)
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{one['invoice']}/detach_payment", payment_intent=one["payment_intent"])
    await stage.tell(*await stage.events())
    assert [it for day in await compared(stage) for it in day.differences] == []


async def test_the_report_shows_what_was_compared(api: Caller, stage: Stage) -> None:
    await paid(stage)
    await compared(stage)
    report = await api.get("/v1/reports/balance")
    assert report["balanced"] is True
    [day] = report["days"]
    assert (day["paid"], day["kept"], day["currency"], day["differences"]) == (5000, 5000, "usd", [])
    lines = (await api.send("GET", "/v1/reports/balance.csv")).text.splitlines()
    assert lines[0].startswith("day,currency,paid,refunded,disputed,credited,kept,fees")
    assert lines[1].split(",")[:3] == [day["day"], "usd", "5000"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("from=2026-02-01&to=2026-01-01", "from"),
        ("from=2020-01-01&to=2026-01-01", "from"),
        ("from=banana", "from"),
        ("to=0", "to"),
    ],
)
async def test_days_that_cannot_be_reported_are_refused_by_name(api: Caller, query: str, param: str) -> None:
    refused = await api.refused("GET", f"/v1/reports/balance?{query}", 422, "validation_error")
    assert refused["param"] == param


async def test_the_command_says_by_its_status_whether_the_money_balances(stage: Stage, invoicing: Shell) -> None:
    one = await paid(stage)
    for since in ((), ("--since", "0001-01-01")):
        assert (await invoicing.json("reconcile", "--money", *since))["balanced"] is True
    refund = await stage.dashboard("refunds", payment_intent=one["payment_intent"], amount=1200)
    told = await invoicing("reconcile", "--money", status=1)
    assert f"differs: refunded {refund['id']}: 0 here, 1200 at Stripe (usd)" in told.stdout


async def test_what_came_back_is_listed_by_commands(stage: Stage, invoicing: Shell) -> None:
    one = await paid(stage)
    refund = await stage.dashboard("refunds", payment_intent=one["payment_intent"], amount=1200)
    await paid(stage, payment_method="pm_card_createDispute")
    await stage.tell(*await stage.events())
    [listed] = (await invoicing.json("refunds", "list", "--invoice", one["invoice"]))["data"]
    assert listed == await invoicing.json("refunds", "show", refund["id"])
    [dispute] = (await invoicing.json("disputes", "list", "--due"))["data"]
    assert (dispute["status"], dispute["amount"]) == ("needs_response", 5000)
    assert (await invoicing.json("credit-notes", "list"))["data"] == []
    assert "1 disputes wait for evidence" in (await invoicing("doctor", status=1)).stdout


async def test_a_second_comparison_takes_the_place_of_the_first(stage: Stage) -> None:
    one = await paid(stage)
    await stage.dashboard("refunds", payment_intent=one["payment_intent"], amount=1200)
    await compared(stage)
    await stage.tell(*await stage.events())
    days = await stage.container.balance.check(datetime.now(UTC) - SINCE)
    assert not [one for day in days for one in day.differences]
    assert [stored for stored, _ in await stage.container.balance.days(days[0].day, days[-1].day)] == days


async def test_a_refund_of_a_payment_that_was_detached_is_no_invoices_money(stage: Stage) -> None:
    one = await paid(stage)
    await stage.dashboard("refunds", payment_intent=one["payment_intent"])
    await stage.tell(*await stage.events())
    await stage.sandbox.advance(2)
    await stage.dashboard(f"invoices/{one['invoice']}/detach_payment", payment_intent=one["payment_intent"])
    await stage.tell(*await stage.events())
    assert [it for day in await compared(stage) for it in day.differences] == []


async def test_a_difference_of_what_began_before_belongs_to_the_days_that_are_compared(stage: Stage) -> None:
    one = await paid(stage)
    dispute = await stage.sandbox.dispute(one["payment_intent"])
    await stage.tell(*await stage.events())
    await compared(stage)
    await stage.sandbox.advance(86_400)
    await stage.sandbox.decide(dispute["id"], "won")  # and nobody tells
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for _ in range(2):
        found = await stage.container.balance.check(tomorrow, tomorrow + timedelta(hours=1))
        assert [(it.day, [one.id for one in it.differences]) for it in found] == [(tomorrow.date(), [dispute["id"]])]


async def test_a_payment_that_was_attached_long_after_it_was_made_is_no_difference(stage: Stage) -> None:
    invoice = await stage.invoice()
    made = await stage.dashboard("payment_intents", amount=5000, currency="usd", customer=invoice["customer"])
    await stage.dashboard(
        f"payment_intents/{made['id']}/confirm", payment_method="pm_card_visa", return_url="https://x.example"
    )
    await stage.sandbox.advance(10 * 86_400)
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=made["id"])
    await stage.tell(*await stage.events())
    now = datetime.now(UTC) + timedelta(days=11)
    assert [
        one for day in await stage.container.balance.check(now - timedelta(days=4), now) for one in day.differences
    ] == []
