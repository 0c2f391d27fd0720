"""What is done about an invoice at the console: guarded, once, and in the audit log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from tests.console.conftest import MakeVisitor, Stocked, Visitor

FORM = re.compile(r'<form method="post" action="/console/invoice/(\w+)">(.*?)</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="(\w*)">')


async def forms(visitor: Visitor, invoice: str) -> dict[str, dict[str, Any]]:
    """The forms on the invoice's page by what they do: what each sends without being asked."""
    page = await visitor.page(f"invoice/details/{invoice}")
    return {act: dict(HIDDEN.findall(form)) for act, form in FORM.findall(page)}


async def test_a_refund_is_made_once_and_the_audit_log_says_by_whom(stocked: Stocked, visitor: Visitor) -> None:
    made = await stocked.key("admin")
    await visitor.login(made["key"])
    invoice = stocked.paid["id"]
    form = (await forms(visitor, invoice))["refund"]
    for _ in range(2):
        answer = await visitor.post("invoice/refund", **form, amount="500")
        assert answer.headers["location"] == f"/console/invoice/details/{invoice}"
    [refund] = (await stocked.api.get("/v1/refunds", invoice=invoice))["data"]
    assert refund["amount"] == 500
    [entry] = await stocked.stage.rows("SELECT * FROM audit_log WHERE action = 'create_refund'")
    assert (entry["actor"], entry["outcome"]) == (made["id"], "done")


async def test_the_log_says_who_asked_for_what(stocked: Stocked, operator: Visitor, logged: Callable[[], str]) -> None:
    logged()
    await operator.page(f"invoice/details/{stocked.paid['id']}")
    [line] = [line for line in map(json.loads, logged().splitlines()) if line["event"] == "request"]
    assert (line["path"], line["caller"]) == (f"/console/invoice/details/{stocked.paid['id']}", "bootstrap")


async def test_what_stripe_left_unanswered_is_not_asked_for_anew(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.paid["id"]
    form = (await forms(operator, invoice))["refund"]
    await stocked.stage.sandbox.fault("POST", "/v1/refunds", kind="drop_response")
    answer = await operator.post("invoice/refund", **form, amount="500")
    assert answer.headers["location"] == f"/console/invoice/details/{invoice}"
    assert "Stripe has not said yet whether this was done." in await operator.page(f"invoice/details/{invoice}")
    await stocked.stage.sandbox.clear_faults()
    await operator.post("invoice/refund", **form, amount="500")
    assert "1 invoice refunded." in await operator.page(f"invoice/details/{invoice}")
    [refund] = (await stocked.api.get("/v1/refunds", invoice=invoice))["data"]
    assert refund["amount"] == 500


async def test_without_an_amount_all_that_is_left_is_refunded(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.paid["id"]
    await operator.post("invoice/refund", **(await forms(operator, invoice))["refund"], amount="")
    [refund] = (await stocked.api.get("/v1/refunds", invoice=invoice))["data"]
    assert refund["amount"] == stocked.paid["amount_paid"]


async def test_a_credit_note_reduces_what_is_due(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.open["id"]
    await operator.post("invoice/credit", **(await forms(operator, invoice))["credit"], amount="300", how="refund")
    left = (await stocked.api.get(f"/v1/invoices/{invoice}"))["amount_remaining"]
    assert left == stocked.open["amount_remaining"] - 300


async def test_a_credit_note_gives_back_what_was_paid_as_chosen(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.paid["id"]
    form = (await forms(operator, invoice))["credit"]
    await operator.post("invoice/credit", **form, amount="300", how="out_of_band")
    [note] = (await stocked.api.get("/v1/credit-notes", invoice=invoice))["data"]
    assert (note["total"], note["out_of_band_amount"]) == (300, 300)


async def test_a_credit_form_that_is_sent_again_credits_once(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.open["id"]
    form = (await forms(operator, invoice))["credit"]
    for _ in range(3):  # from the first on, nothing is owed any more
        sent = await operator.post("invoice/credit", **form, amount=str(stocked.open["amount_remaining"]), how="refund")
        assert (sent.status_code, sent.headers["location"]) == (303, f"/console/invoice/details/{invoice}")
        assert "1 invoice credited." in await operator.page(f"invoice/details/{invoice}")
    [note] = (await stocked.api.get("/v1/credit-notes", invoice=invoice))["data"]
    assert note["total"] == stocked.open["amount_remaining"]


async def test_a_form_sent_again_with_another_amount_is_refused(stocked: Stocked, operator: Visitor) -> None:
    form = (await forms(operator, stocked.paid["id"]))["refund"]
    for amount, told in (("100", "1 invoice refunded."), ("200", "This form was sent before with other values.")):
        await operator.post("invoice/refund", **form, amount=amount)
        page = await operator.page(f"invoice/details/{stocked.paid['id']}")
        assert told in page, page[page.index("<main") :][:300]
    [refund] = (await stocked.api.get("/v1/refunds", invoice=stocked.paid["id"]))["data"]
    assert refund["amount"] == 100


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
    assert await forms(visitor, stocked.paid["id"]) == {}
    for action in ("refund", "credit", "void", "send", "remind"):
        assert (await visitor.post(f"invoice/{action}", id=stocked.paid["id"], amount="1")).status_code == 403
    assert (await stocked.api.get("/v1/refunds"))["data"] == []


async def test_what_the_status_does_not_allow_is_not_offered(stocked: Stocked, operator: Visitor) -> None:
    assert set(await forms(operator, stocked.paid["id"])) == {"refund", "credit"}
    await stocked.stage.rows("UPDATE invoices SET due_at = now() - interval '5 days' WHERE id = $1", stocked.open["id"])
    assert set(await forms(operator, stocked.open["id"])) == {"send", "remind", "refund", "credit", "void"}


async def test_without_stripes_key_a_console_offers_only_to_remind(stocked: Stocked, make_visitor: MakeVisitor) -> None:
    visitor = await make_visitor(stripe_secret_key=SecretStr(""))
    await visitor.login()
    await stocked.stage.rows("UPDATE invoices SET due_at = now() WHERE id = $1", stocked.open["id"])
    assert set(await forms(visitor, stocked.open["id"])) == {"remind"}
    assert await forms(visitor, stocked.paid["id"]) == {}


async def test_an_invoice_is_voided_and_sent_once_each(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.open["id"]
    offered = await forms(operator, invoice)
    await stocked.stage.calls(forget=True)
    for act in ("send", "send", "void", "void"):
        answer = await operator.post(f"invoice/{act}", **offered[act])
        assert answer.headers["location"] == f"/console/invoice/details/{invoice}"
    calls = [call.rpartition("/")[2] for call in await stocked.stage.calls() if call.startswith("POST")]
    assert calls == ["send", "void"]
    assert (await stocked.api.get(f"/v1/invoices/{invoice}"))["status"] == "void"
    told = await stocked.stage.rows(
        "SELECT action, actor FROM audit_log WHERE subject = $1 AND action IN ('send_invoice', 'void_invoice') ORDER BY at",
        invoice,
    )
    assert told == [{"action": "send_invoice", "actor": "bootstrap"}, {"action": "void_invoice", "actor": "bootstrap"}]


async def test_a_payer_is_reminded_once_a_day(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.open["id"]
    await stocked.stage.rows("INSERT INTO configured_actions (action) VALUES ('email')")
    await stocked.stage.rows("UPDATE invoices SET due_at = now() - interval '5 days' WHERE id = $1", invoice)
    one, other = [(await forms(operator, invoice))["remind"] for _ in range(2)]
    for form, told in (
        (one, "1 invoice reminded about."),
        (one, "1 invoice reminded about."),
        (other, "Nobody can be"),
    ):
        await operator.post("invoice/remind", **form)
        assert told in await operator.page(f"invoice/details/{invoice}")
    [reminder] = await stocked.stage.rows("SELECT type, day, channel FROM reminders WHERE invoice = $1", invoice)
    assert reminder == {"type": "invoice.reminded", "day": 5, "channel": "mail"}
    mails = await stocked.stage.rows("SELECT action FROM fulfillment_actions WHERE moment LIKE 'reminder%'")
    assert mails == [{"action": "email"}]


async def test_a_payer_whose_reminders_are_off_is_left_alone(stocked: Stocked, operator: Visitor) -> None:
    invoice = stocked.open["id"]
    await stocked.stage.rows(
        'UPDATE invoices SET due_at = now(), metadata = \'{"reminders": "off"}\' WHERE id = $1', invoice
    )
    await operator.post("invoice/remind", **(await forms(operator, invoice))["remind"])
    assert "Nobody can be reminded of it now." in await operator.page("")
    assert not await stocked.stage.rows("SELECT FROM reminders")
