"""Refunds and credit notes made at the console: guarded, once, and in the audit log."""

from __future__ import annotations

import re

from tests.console.conftest import Stocked, Visitor


async def forms(visitor: Visitor, invoice: str) -> list[str]:
    """What makes each of the forms on the invoice's page one that is done once."""
    return re.findall(r'name="once" value="([0-9a-f]{32})"', await visitor.page(f"invoice/details/{invoice}"))


async def test_a_refund_is_made_once_and_the_audit_log_says_by_whom(stocked: Stocked, visitor: Visitor) -> None:
    made = await stocked.key("admin")
    await visitor.login(made["key"])
    invoice = stocked.paid["id"]
    once, _ = await forms(visitor, invoice)
    for _ in range(2):
        answer = await visitor.post("invoice/refund", id=invoice, once=once, amount="500")
        assert answer.headers["location"] == f"/console/invoice/details/{invoice}"
    [refund] = (await stocked.api.get("/v1/refunds", invoice=invoice))["data"]
    assert refund["amount"] == 500
    [entry] = await stocked.stage.rows("SELECT * FROM audit_log WHERE action = 'create_refund'")
    assert (entry["actor"], entry["outcome"]) == (made["id"], "done")


async def test_without_an_amount_all_that_is_left_is_refunded(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.paid["id"]
    once, _ = await forms(operator, invoice)
    await operator.post("invoice/refund", id=invoice, once=once, amount="")
    [refund] = (await stocked.api.get("/v1/refunds", invoice=invoice))["data"]
    assert refund["amount"] == stocked.paid["amount_paid"]


async def test_a_credit_note_reduces_what_is_due(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.open["id"]
    _, once = await forms(operator, invoice)
    await operator.post("invoice/credit", id=invoice, once=once, amount="300", how="refund")
    left = (await stocked.api.get(f"/v1/invoices/{invoice}"))["amount_remaining"]
    assert left == stocked.open["amount_remaining"] - 300


async def test_a_credit_note_gives_back_what_was_paid_as_chosen(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.paid["id"]
    _, once = await forms(operator, invoice)
    await operator.post("invoice/credit", id=invoice, once=once, amount="300", how="out_of_band")
    [note] = (await stocked.api.get("/v1/credit-notes", invoice=invoice))["data"]
    assert (note["total"], note["out_of_band_amount"]) == (300, 300)


async def test_an_amount_that_is_none_is_refused(stocked: Stocked, operator: Visitor) -> None:
    for action in ("refund", "credit"):
        for amount in ("-1", "0", "1.5", "ten", "9" * 13, "\u0661"):
            answer = await operator.post(f"invoice/{action}", id=stocked.paid["id"], amount=amount)
            assert answer.status_code == 422, (action, amount)
    assert (await operator.post("invoice/credit", id=stocked.paid["id"])).status_code == 422
    assert (await stocked.api.get("/v1/refunds"))["data"] == []


async def test_what_stripe_or_we_refuse_is_said(stocked: Stocked, operator: Visitor) -> None:
    await operator.post("invoice/refund", id=stocked.open["id"])
    assert "1 of 1 invoice refused" in await operator.page("invoice/list")
    await operator.post("invoice/refund", id="in_none\x00")
    assert "There is no invoice" in await operator.page("invoice/list")


async def test_who_may_only_look_gives_nothing_back(stocked: Stocked, visitor: Visitor) -> None:
    await visitor.login((await stocked.key("console:read"))["key"])
    assert await forms(visitor, stocked.paid["id"]) == []
    for action in ("refund", "credit"):
        assert (await visitor.post(f"invoice/{action}", id=stocked.paid["id"], amount="1")).status_code == 403
    assert (await stocked.api.get("/v1/refunds"))["data"] == []
