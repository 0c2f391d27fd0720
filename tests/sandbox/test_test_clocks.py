"""Test clocks: Stripe's calls to move time."""

from typing import Any

import pytest
import stripe

from tests.sandbox.process import RunningSandbox

DAY = 86_400


def now(box: RunningSandbox) -> int:
    return int(box.control("GET", "clock")["now"])


def clock_of(box: RunningSandbox) -> stripe.test_helpers.TestClock:
    return box.v1.test_helpers.test_clocks.create({"frozen_time": now(box), "name": "Monthly"})


def advanced(box: RunningSandbox, clock: stripe.test_helpers.TestClock, seconds: int) -> stripe.test_helpers.TestClock:
    """Advance, and run what is due without waiting for the sandbox to look."""
    moving = box.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": clock.frozen_time + seconds})
    assert moving.status == "advancing"
    box.advance(0)
    return box.v1.test_helpers.test_clocks.retrieve(clock.id)


def customer_on(box: RunningSandbox, clock: stripe.test_helpers.TestClock) -> stripe.Customer:
    return box.v1.customers.create(
        {
            "email": "ada@example.com",
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
            "test_clock": clock.id,
        }
    )


def test_time_moves_with_all_that_is_due(box: RunningSandbox) -> None:
    clock = clock_of(box)
    payer = customer_on(box, clock)
    invoice = box.v1.invoices.create({"customer": payer.id, "auto_advance": True})
    box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1000}]})
    before = now(box)
    ready = advanced(box, clock, 10 * DAY)
    assert (ready.status, ready.frozen_time) == ("ready", clock.frozen_time + 10 * DAY)
    assert now(box) - before >= 10 * DAY
    paid = box.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.test_clock) == ("paid", clock.id)
    at = paid.status_transitions.paid_at
    assert at is not None
    assert at - invoice.created < DAY
    told = [kind for kind in box.event_types() if "test_clock" in kind]
    assert told == [f"test_helpers.test_clock.{kind}" for kind in ("created", "advancing", "ready")]


def test_customers_of_a_clock_are_listed_with_it_and_go_with_it(box: RunningSandbox) -> None:
    clock = clock_of(box)
    payer = customer_on(box, clock)
    assert box.v1.customers.list().data == []
    assert [it.id for it in box.v1.customers.list({"test_clock": clock.id}).data] == [payer.id]
    assert [it.id for it in box.v1.test_helpers.test_clocks.list().data] == [clock.id]
    assert box.v1.test_helpers.test_clocks.delete(clock.id).deleted is True
    assert box.v1.customers.retrieve(payer.id).deleted is True
    assert box.event_types()[-2:] == ["customer.deleted", "test_helpers.test_clock.deleted"]


def test_a_clock_only_moves_forward_one_step_after_the_other(box: RunningSandbox) -> None:
    clock = clock_of(box)
    clocks = box.v1.test_helpers.test_clocks
    with pytest.raises(stripe.InvalidRequestError, match="only moves forward"):
        clocks.advance(clock.id, {"frozen_time": clock.frozen_time})
    assert advanced(box, clock, DAY).status == "ready"


@pytest.mark.parametrize("path", ["test_helpers/test_clocks/clock_none", "customers?test_clock=clock_none"])
def test_an_unknown_clock_is_missing(box: RunningSandbox, path: str) -> None:
    where, _, query = path.partition("?")
    sent: Any = dict([query.split("=")]) if query else {}
    assert box.get(f"/v1/{where}", **sent).json()["error"]["code"] == "resource_missing"


def test_another_time_than_the_sandboxes_own_is_not_simulated(box: RunningSandbox) -> None:
    answer = box.post("/v1/test_helpers/test_clocks", "frozen_time=1577836800")
    assert (answer.status_code, answer.json()["error"]["param"]) == (501, "frozen_time")
