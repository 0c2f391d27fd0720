"""The virtual clock: drafts advance, invoices are collected, fall overdue, and nothing happens early."""

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox
from tests.sandbox.receiver import Receiver

DAY = 86_400


def with_default_card(box: RunningSandbox, customer: stripe.Customer, token: str = "pm_card_visa") -> None:
    method = box.v1.payment_methods.attach(token, {"customer": customer.id})
    box.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})


def test_an_advancing_draft_tells_when_it_will_be_finalized(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(auto_advance=True, collection_method="charge_automatically")
    assert invoice.automatically_finalizes_at == invoice.created + 3601
    assert invoice.next_payment_attempt == invoice.created + 3600
    paused = box.v1.invoices.update(invoice.id, {"auto_advance": False})
    assert (paused.automatically_finalizes_at, paused.next_payment_attempt) == (None, None)
    again = box.v1.invoices.update(invoice.id, {"auto_advance": True})
    assert again.automatically_finalizes_at == invoice.created + 3601


@pytest.mark.parametrize(("terms", "days"), [({"days_until_due": 3}, 33), ({"days_until_due": 200}, 120)])
def test_hosted_pages_expire_and_a_link_that_is_read_late_holds_for_ten_days_more(
    box: RunningSandbox, draft: Drafting, terms: dict[str, int], days: int
) -> None:
    first = box.v1.invoices.finalize_invoice(draft(1000, **terms).id)
    box.advance((days - 11) * DAY)
    assert box.v1.invoices.retrieve(first.id).hosted_invoice_url == first.hosted_invoice_url
    box.advance(10 * DAY)
    late = box.v1.invoices.retrieve(first.id)
    box.advance(2 * DAY)
    for url in (first.hosted_invoice_url, first.invoice_pdf):
        assert box.http.get(str(url)).status_code == 410
    for url in (late.hosted_invoice_url, late.invoice_pdf):
        assert box.http.get(str(url)).status_code == 200
    box.advance(7 * DAY)
    assert box.http.get(str(late.hosted_invoice_url)).status_code == 200
    box.advance(3 * DAY)
    assert box.http.get(str(late.hosted_invoice_url)).status_code == 410


def test_a_draft_does_not_advance_unless_told_to(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft()
    assert (invoice.auto_advance, invoice.automatically_finalizes_at) == (False, None)
    box.advance(30 * DAY)
    assert box.v1.invoices.retrieve(invoice.id).status == "draft"


def test_an_advancing_draft_is_charged_after_an_hour(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting
) -> None:
    with_default_card(box, customer)
    invoice = draft(auto_advance=True, collection_method="charge_automatically")
    box.advance(3590)
    assert box.v1.invoices.retrieve(invoice.id).status == "draft"
    box.advance(20)
    paid = box.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.auto_advance, paid.attempt_count) == ("paid", False, 1)
    assert paid.status_transitions.finalized_at in range(invoice.created + 3601, invoice.created + 3660)


def test_an_advancing_draft_to_be_sent_is_sent_after_an_hour(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(auto_advance=True)
    box.advance(3610)
    assert box.v1.invoices.retrieve(invoice.id).status == "open"
    assert box.event_types()[-1] == "invoice.sent"
    assert [mail["invoice"] for mail in box.control("GET", "outbox")["emails"]] == [invoice.id]


def test_a_draft_waits_three_days_when_no_endpoint_hears_of_it(box: RunningSandbox, draft: Drafting) -> None:
    box.control("POST", "webhooks/endpoint", url="http://127.0.0.1:9/down")
    invoice = draft(auto_advance=True)
    box.advance(DAY)
    assert box.v1.invoices.retrieve(invoice.id).status == "draft"
    box.advance(2 * DAY + 10)
    assert box.v1.invoices.retrieve(invoice.id).status == "open"


def test_a_heard_draft_says_so_and_advances(box: RunningSandbox, hook: Receiver, draft: Drafting) -> None:
    invoice = draft(auto_advance=True)
    box.idle()
    assert box.v1.invoices.retrieve(invoice.id).webhooks_delivered_at is not None
    box.advance(3610)
    assert box.v1.invoices.retrieve(invoice.id).status == "open"


def test_automatic_collection_tries_again_days_later(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting
) -> None:
    with_default_card(box, customer, "pm_card_chargeCustomerFail")
    invoice = draft(auto_advance=True, collection_method="charge_automatically")
    box.advance(3610)
    first = box.v1.invoices.retrieve(invoice.id)
    assert (first.status, first.attempt_count) == ("open", 1)
    assert first.next_payment_attempt is not None
    with_default_card(box, customer)
    box.advance(3 * DAY + 10)
    assert (box.v1.invoices.retrieve(invoice.id).status, box.v1.invoices.retrieve(invoice.id).attempt_count) == (
        "paid",
        2,
    )


def test_finalizing_with_auto_advance_collects_an_hour_later(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting
) -> None:
    with_default_card(box, customer)
    invoice = box.v1.invoices.finalize_invoice(
        draft(collection_method="charge_automatically").id, {"auto_advance": True}
    )
    assert (invoice.status, invoice.attempted) == ("open", False)
    box.advance(3605)
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_an_open_invoice_falls_overdue_once(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened(days_until_due=2)
    assert invoice.due_date == invoice.created + 2 * DAY
    box.advance(2 * DAY + 10)
    box.advance(10 * DAY)
    assert box.event_types().count("invoice.overdue") == 1
    assert box.v1.invoices.retrieve(invoice.id).status == "open"


def test_a_paid_invoice_never_falls_overdue(box: RunningSandbox, opened: Drafting) -> None:
    box.v1.invoices.pay(opened(days_until_due=2).id, {"paid_out_of_band": True})
    box.advance(3 * DAY)
    assert "invoice.overdue" not in box.event_types()


def test_a_reminder_before_the_due_date_can_be_switched_on(box: RunningSandbox, opened: Drafting) -> None:
    box.switch(will_be_due_days=7)
    opened(days_until_due=10)
    box.advance(3 * DAY + 10)
    assert box.event_types()[-1] == "invoice.will_be_due"


def test_work_happens_at_its_own_time_when_the_clock_leaps(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(auto_advance=True, days_until_due=1)
    box.advance(40 * DAY)
    times = {e["type"]: e["created"] for e in box.get("/v1/events", limit="100").json()["data"]}
    assert times == {}  # older than thirty days by now
    mirrored = box.v1.invoices.retrieve(invoice.id)
    assert mirrored.status_transitions.finalized_at in range(invoice.created + 3601, invoice.created + 3660)


def test_the_clock_only_moves_forward(box: RunningSandbox) -> None:
    assert box.http.post("/_sandbox/clock", json={"advance_s": -1}).status_code == 400
    before = box.control("GET", "clock")
    after = box.advance(100)
    assert after["offset_s"] - before["offset_s"] == pytest.approx(100, abs=0.01)
    assert after["now"] - before["now"] >= 100


def test_due_dates_and_timestamps_come_from_the_virtual_clock(box: RunningSandbox, draft: Drafting) -> None:
    box.advance(365 * DAY)
    invoice = draft(days_until_due=1)
    assert invoice.created >= box.control("GET", "clock")["now"] - 5
    assert invoice.due_date == invoice.created + DAY


def test_automatic_collection_without_a_method_fails_quietly(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(auto_advance=True, collection_method="charge_automatically")
    box.advance(3610)
    after = box.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.next_payment_attempt) == ("open", None)
    assert box.event_types()[-1] == "invoice.payment_failed"


def test_an_advancing_draft_that_cannot_be_finalized_says_why(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(99_999_999, auto_advance=True)
    box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1}]})
    box.advance(3610)
    after = box.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.last_finalization_error is None) == ("draft", False)


def test_a_draft_may_name_the_moment_it_is_finalized(box: RunningSandbox, draft: Drafting) -> None:
    now = int(box.control("GET", "clock")["now"])
    refused = box.post(f"/v1/invoices/{draft().id}", f"automatically_finalizes_at={now + 500}")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "automatically_finalizes_at")
    invoice = draft(automatically_finalizes_at=now + 500, auto_advance=True)
    assert (invoice.auto_advance, invoice.automatically_finalizes_at) == (True, now + 500)
    box.advance(510)
    assert box.v1.invoices.retrieve(invoice.id).status == "open"
    later = f"automatically_finalizes_at={now + 10**9}&auto_advance=true"
    assert box.post(f"/v1/invoices/{draft().id}", later).status_code == 400


def test_auto_advance_switched_on_while_open_collects_later(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting
) -> None:
    with_default_card(box, customer)
    invoice = box.v1.invoices.finalize_invoice(draft(collection_method="charge_automatically").id)
    box.v1.invoices.update(invoice.id, {"auto_advance": True})
    box.advance(3605)
    assert box.v1.invoices.retrieve(invoice.id).status == "paid"


def test_timers_fall_due_as_real_time_passes(box: RunningSandbox, hook: Receiver, opened: Drafting) -> None:
    box.switch(debit_settlement_s=0)
    invoice = opened()
    assert invoice.payments is not None
    box.v1.payment_intents.confirm(
        str(invoice.payments.data[0].payment.payment_intent), {"payment_method": "pm_usBankAccount_success"}
    )
    hook.wait_for("invoice.paid")
