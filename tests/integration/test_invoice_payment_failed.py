from itertools import permutations
from typing import Any

import pytest

from tests.fixtures.stage import Stage

DECLINED = "pm_card_visa_chargeDeclined"
NO_FUNDS = "pm_card_visa_chargeDeclinedInsufficientFunds"
CHAIN = ("payment_intent.payment_failed", "invoice.payment_failed")


async def declined(stage: Stage, *methods: str) -> str:
    invoice = await stage.invoice()
    for method in methods:
        await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method=method)
    return str(invoice["id"])


def said(row: dict[str, Any] | None) -> tuple[object, ...]:
    assert row is not None
    names = ("status", "attempts", "failure_code", "failure_decline_code", "attempt_at", "failure_at")
    return tuple(row[name] for name in names)


async def test_a_decline_is_counted_and_says_why(stage: Stage) -> None:
    invoice = await declined(stage, NO_FUNDS)
    await stage.tell(*await stage.events())
    assert said(await stage.fulfillment(invoice))[:4] == ("payment_failed", 1, "card_declined", "insufficient_funds")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_the_order_of_a_decline_and_the_payment_after_it_does_not_matter(
    stage: Stage, order: tuple[int, ...]
) -> None:
    invoice = await declined(stage, NO_FUNDS)
    await stage.dashboard(f"invoices/{invoice}/pay", payment_method="pm_card_visa")
    events = await stage.events(*CHAIN, "invoice.paid")
    for position in order:
        await stage.tell(events[position])
    assert said(await stage.fulfillment(invoice))[:4] == ("fulfilled", 1, "card_declined", "insufficient_funds")


@pytest.mark.parametrize("backwards", [False, True])
async def test_two_reasons_of_one_second_end_with_the_one_the_payment_intent_has(
    stage: Stage, *, backwards: bool
) -> None:
    invoice = await declined(stage, NO_FUNDS, DECLINED)
    events = await stage.events(*CHAIN)
    at = events[0]["created"]
    for event in reversed(events) if backwards else events:
        await stage.tell(event | {"created": at})
    assert said(await stage.fulfillment(invoice))[:4] == ("payment_failed", 2, "card_declined", "generic_decline")


async def test_a_failure_told_twice_is_counted_once(stage: Stage) -> None:
    invoice = await declined(stage, DECLINED)
    events = await stage.events()
    await stage.tell(*events)
    before = said(await stage.fulfillment(invoice))
    await stage.tell(*events, *events)
    assert said(await stage.fulfillment(invoice)) == before


@pytest.mark.parametrize("backwards", [False, True])
async def test_contradicting_words_about_a_payment_that_moved_on_end_the_same_in_both_orders(
    stage: Stage, *, backwards: bool
) -> None:
    invoice = str((await stage.invoice())["id"])
    await stage.dashboard(f"invoices/{invoice}/pay", payment_method="pm_usBankAccount_processing")
    intent = (await stage.event("payment_intent.processing"))["data"]["object"]["id"]
    await stage.sandbox.fail(intent)
    events = await stage.events("payment_intent.processing", "payment_intent.payment_failed")
    await stage.dashboard(f"invoices/{invoice}/pay", payment_method="pm_card_visa")
    at = events[0]["created"]
    await stage.tell(await stage.event("invoice.finalized"))
    for event in reversed(events) if backwards else events:
        await stage.tell(event | {"created": at})
    found = await stage.fulfillment(invoice)
    assert found is not None
    assert (found["status"], found["attempt"]) == ("payment_failed", "payment_failed")
    assert found["failure_code"] is not None
