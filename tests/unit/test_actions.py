"""When an action is due, what an email address is, and what a mail says."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.actions import (
    BACKOFF,
    MOST_ATTEMPTS,
    Misconfigured,
    Moment,
    Occasion,
    Overtaken,
    require_due,
)
from app.domain.mailbox import Mailbox, one_line
from app.fulfillment.history import occasions, with_entry
from app.fulfillment.mail.letters import MailWriter
from app.fulfillment.mail.sample import FULFILLMENT, INVOICE
from app.fulfillment.schemas import FulfillmentRead
from app.invoices.read_schemas import InvoiceRead

SENDER = Mailbox.of("Shop <orders@shop.example>")


def fulfillment(status: str, *, refunded: int = 0, history: Any = None) -> Any:
    sums = {"amount_refunded": refunded, "amount_credited": 0, "amount_disputed": 0, "amount_undecided": 0}
    return {"status": status, "amount_paid": 1000, **sums, "history": history}


def reached(*states: Any) -> list[str]:
    """The occasions that follow from a fulfillment's states, one after another."""
    found: list[str] = []
    known = None
    for state in states:
        row = with_entry(known, state | {"history": known["history"] if known else None}, "now", "evt_1")
        found += map(str, occasions(known, row))
        known = row
    return found


def test_a_moment_is_reached_by_what_became_of_the_fulfillment() -> None:
    assert reached(fulfillment("awaiting_payment"), fulfillment("processing")) == ["processing"]
    assert reached(fulfillment("fulfilled"), fulfillment("fulfilled")) == ["fulfilled"]
    assert reached(fulfillment("fulfilled"), fulfillment("fulfilled", refunded=1)) == ["fulfilled", "partly_reversed:2"]
    for status in ("awaiting_payment", "payment_failed", "canceled", "written_off"):
        assert reached(fulfillment(status)) == []


def test_each_reversal_and_each_reinstatement_is_an_occasion_of_its_own() -> None:
    back, there = fulfillment("reversed", refunded=1000), fulfillment("fulfilled")
    assert reached(there, back, there, back) == [
        "fulfilled", "reversed:2", "reinstated:3", "fulfilled", "reversed:4",
    ]  # fmt: skip


def test_a_refund_of_a_part_that_fails_reinstates_and_each_refund_is_told() -> None:
    states = [fulfillment("fulfilled", refunded=amount) for amount in (0, 300, 500, 500, 300)]
    assert reached(*states) == ["fulfilled", "partly_reversed:2", "partly_reversed:3", "reinstated:4", "fulfilled"]


def test_an_occasion_is_read_as_it_is_written() -> None:
    for occasion in (Occasion(Moment.FULFILLED), Occasion(Moment.REVERSED, 7)):
        assert Occasion.read(str(occasion)) == occasion


def test_an_action_is_due_while_its_moment_holds() -> None:
    require_due(Moment.PROCESSING, "processing")
    for status in ("fulfilled", "payment_failed", "canceled"):
        with pytest.raises(Overtaken, match=f"The fulfillment is {status} by now"):
            require_due(Moment.PROCESSING, status)
    for moment, status in (("reversed", "fulfilled"), ("reinstated", "reversed"), ("action_required", "processing")):
        with pytest.raises(Overtaken):
            require_due(Moment(moment), status)


def test_tries_spread_over_more_than_a_day_and_less_than_three() -> None:
    pauses = [BACKOFF.most_s(attempt) for attempt in range(1, MOST_ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == BACKOFF.longest_s == BACKOFF.most_s(10_000)
    assert 24 * 3600 < sum(pauses) < 72 * 3600


@pytest.mark.parametrize(
    ("text", "address", "name"),
    [
        ("jenny@example.com", "jenny@example.com", ""),
        (" o'hara+x@mail.example ", "o'hara+x@mail.example", ""),
        ("Shop <orders@shop.example>", "orders@shop.example", "Shop"),
        ('"Shop, Inc." <orders@shop.example>', "orders@shop.example", "Shop, Inc."),
        ("<orders@localhost>", "orders@localhost", ""),
        ("jenny@bücher.example", "jenny@xn--bcher-kva.example", ""),
    ],
)
def test_an_address_is_read(text: str, address: str, name: str) -> None:
    assert Mailbox.of(text) == Mailbox(address, name)


@pytest.mark.parametrize(
    "text",
    [
        "", "jenny", "@example.com", "jenny@", "jenny@-x.example", "jenny@x..example", "jenny@x.example.", "a b@x.example",
        "a@x.example, b@x.example", "a@x.example b@y.example", "a@x.example\nBcc: b@y.example", "a@x.example\r", "ü@x.example",
        '"a\\"@x"@y.example', f"{'a' * 65}@x.example", f"a@{'x' * 64}.example", f"a@{'x.' * 130}example", "a@[127.0.0.1]", "a@\x00",
        "undisclosed-recipients:;", ".a@x.example", "a..b@x.example", "a@\u2028x.example", "a@" + "ü" * 70,
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="email address"):
        Mailbox.of(text)


@given(st.text())
def test_whatever_is_taken_as_an_address_is_one_word_of_ascii(text: str) -> None:
    try:
        mailbox = Mailbox.of(text)
    except ValueError:
        return
    assert mailbox.address.isascii()
    assert not set(mailbox.address) & set('\r\n \t<>,;:"()[]\\\x00')
    assert mailbox.address.count("@") == 1


LETTERS = MailWriter(SENDER)


@given(st.text())
def test_a_header_is_one_line_and_a_mail_can_be_sent(text: str) -> None:
    invoice = INVOICE | {"number": text, "reference": text, "customer_name": text, "account_name": text}
    message = LETTERS.write(Moment.FULFILLED, SENDER, "act_1", FULFILLMENT, invoice)
    raw = message.as_bytes()
    head, _, _ = raw.partition(b"\r\n\r\n")
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert sorted(names) == sorted(
        [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version", b"Content-Type"]
    )
    assert raw.isascii()
    assert len(one_line(text)) <= 200


def test_the_sample_that_templates_are_tried_on_is_what_there_is() -> None:
    read = InvoiceRead.model_validate(INVOICE)
    assert set(InvoiceRead.model_fields) == INVOICE.keys()
    assert set(type((read.items or [])[0]).model_fields) == INVOICE["items"][0].keys()
    assert FulfillmentRead.model_validate(FULFILLMENT).status == "fulfilled"
    assert set(FulfillmentRead.model_fields) == FULFILLMENT.keys()


def test_a_template_of_ones_own_takes_the_place_of_ours_and_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "fulfilled.html").write_text(
        "<b>{{ invoice.reference }}: {{ money(1999, 'jpy') }} on {{ day('2026-11-22T') }}</b>"
    )
    invoice = INVOICE | {"reference": "<i>"}
    message = MailWriter(SENDER, tmp_path).write(Moment.FULFILLED, SENDER, "act_1", FULFILLMENT, invoice)
    html = message.get_body(("html",))
    assert html is not None
    assert html.get_content() == "<b>&lt;i&gt;: ¥1,999 on November 22, 2026</b>\n"
    assert message["Subject"] == "Your order is confirmed: invoice XK4C7QPL-0001"


@pytest.mark.parametrize(("paid", "says"), [(5000, True), (0, False)])
def test_a_mail_says_what_is_paid_and_what_is_left(paid: int, *, says: bool) -> None:
    invoice = INVOICE | {"amount_paid": paid, "amount_remaining": 18000}
    message = LETTERS.write(Moment.PROCESSING, SENDER, "act_1", FULFILLMENT, invoice)
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        assert [words in body.get_content() for words in ("Paid", "Left to pay", "$180.00")] == [says] * 3


@pytest.mark.parametrize(
    "template", ["{% if %}", "{{ nobody.knows }}", "{% include 'nothing.txt' %}", "{{ money(1) }}"]
)
def test_a_template_that_does_not_work_is_refused(tmp_path: Path, template: str) -> None:
    (tmp_path / "processing.txt").write_text(template)
    with pytest.raises(Misconfigured, match="The mail for processing cannot be written"):
        MailWriter(SENDER, tmp_path)
