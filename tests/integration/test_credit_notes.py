"""Credit notes: what they take off, what they give back and how, and how they reach the invoice."""

import asyncio

import pytest

from app.container import Container
from app.domain.errors import CreditTooLarge, InvoiceBusy, InvoicingError
from app.idempotency.operations import Answer, Call
from tests.fixtures.caller import Caller, Json
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Stage


def path(invoice: Json, more: str = "") -> str:
    return f"/v1/invoices/{invoice['id']}/credit-notes{more}"


async def test_a_credit_note_takes_off_what_is_not_paid_yet(live: Caller) -> None:
    invoice = await live.open()
    note = await live.post(path(invoice), {"amount": 700, "reason": "order_change", "memo": "One hour less"})
    assert (note["invoice"], note["customer"]) == (invoice["id"], invoice["customer"])
    assert (note["type"], note["status"], note["total"]) == ("pre_payment", "issued", 700)
    assert (note["pre_payment_amount"], note["post_payment_amount"]) == (700, 0)
    assert (note["reason"], note["memo"], note["number"]) == (
        "order_change",
        "One hour less",
        f"{invoice['number']}-CN-01",
    )
    now = await live.get(f"/v1/invoices/{invoice['id']}")
    assert (now["amount_remaining"], now["pre_payment_credit_notes_amount"]) == (1300, 700)
    assert await live.get(f"/v1/credit-notes/{note['id']}") == note
    assert (await live.get("/v1/credit-notes", invoice=invoice["id"]))["data"] == [note]


async def test_a_credit_note_over_all_that_is_open_calls_the_invoice_off(live: Caller) -> None:
    invoice = await live.open()
    await live.post(path(invoice), {"amount": 2000})
    await live.settled()
    now = await live.get(f"/v1/invoices/{invoice['id']}")
    assert (now["status"], now["settled_by"], now["fulfillment"]["status"]) == ("paid", "credit_note", "canceled")


@pytest.mark.parametrize("way", ["refund_amount", "credit_amount", "out_of_band_amount"])
async def test_what_was_paid_is_given_back_as_asked(live: Caller, way: str) -> None:
    invoice = await live.paid()
    note = await live.post(path(invoice), {"amount": 500, way: 500})
    assert (note["type"], note["post_payment_amount"]) == ("post_payment", 500)
    ways = ("refund_amount", "credit_amount", "out_of_band_amount")
    assert {name: note[name] for name in ways} == dict.fromkeys(ways, 0) | {way: 500}
    await live.settled()
    now = await live.get(f"/v1/invoices/{invoice['id']}")
    assert (now["status"], now["post_payment_credit_notes_amount"]) == ("paid", 500)
    fulfillment = await live.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["amount_refunded"]) == ("fulfilled", 0)
    assert (fulfillment["amount_credited"], fulfillment["amount_kept"]) == (500, 1500)
    refunds = (await live.get("/v1/refunds", invoice=invoice["id"]))["data"]
    assert [refund["id"] for refund in refunds] == [one["refund"] for one in note["refunds"]]


async def test_all_of_what_was_paid_given_back_reverses_the_fulfillment(live: Caller) -> None:
    invoice = await live.paid()
    await live.post(path(invoice), {"amount": 2000, "refund_amount": 1200, "credit_amount": 800})
    await live.settled()
    fulfillment = await live.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["status"], fulfillment["amount_credited"], fulfillment["amount_kept"]) == ("reversed", 2000, 0)


async def test_lines_are_credited_and_shown(api: Caller) -> None:
    invoice = await api.open()
    [item] = invoice["items"]
    lines = [
        {"type": "invoice_line_item", "invoice_line_item": item["line_item"], "amount": 600},
        {"type": "custom_line_item", "description": "For the trouble", "quantity": 2, "unit_amount": 50},
    ]
    note = await api.post(path(invoice), {"lines": lines})
    assert note["total"] == 700
    shown = [(line["type"], line["amount"], line["invoice_line_item"]) for line in note["lines"]]
    assert shown == [("invoice_line_item", 600, item["line_item"]), ("custom_line_item", 100, None)]
    unknown = {"lines": [lines[0] | {"invoice_line_item": "il_unknown"}]}
    for ending in ("", "/preview"):
        problem = await api.refused("POST", path(invoice, ending), 422, "stripe_invalid_request", unknown)
        assert problem["param"] == "lines[0].invoice_line_item"


async def test_a_refund_made_before_is_linked(live: Caller) -> None:
    invoice = await live.paid()
    [refund] = (await live.post(f"/v1/invoices/{invoice['id']}/refunds", {"amount": 500}))["refunds"]
    note = await live.post(path(invoice), {"amount": 500, "refunds": [{"refund": refund["id"]}]})
    assert note["refunds"] == [{"refund": refund["id"], "amount": 500}]
    await live.settled()
    fulfillment = await live.get(f"/v1/invoices/{invoice['id']}/fulfillment")
    assert (fulfillment["amount_refunded"], fulfillment["amount_credited"], fulfillment["amount_kept"]) == (
        0,
        500,
        1500,
    )


async def test_metadata_reference_and_date_are_kept(api: Caller) -> None:
    invoice = await api.open()
    body = {"amount": 100, "metadata": {"ticket": "7"}, "reference": "credit-1", "effective_at": "2026-11-01T00:00:00Z"}
    note = await api.post(path(invoice), body)
    assert (note["metadata"], note["reference"]) == ({"ticket": "7"}, "credit-1")
    assert note["effective_at"] == "2026-11-01T00:00:00.000Z"
    await api.refused("POST", path(invoice), 409, "reference_taken", body)


async def test_a_preview_issues_nothing(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.paid()
    shown = await api.post(path(invoice, "/preview"), {"amount": 500, "credit_amount": 500})
    assert (shown["total"], shown["type"], shown["credit_amount"]) == (500, "post_payment", 500)
    assert "credit_note" not in await sandbox.state()
    assert (await api.get(f"/v1/invoices/{invoice['id']}"))["post_payment_credit_notes_amount"] == 0


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"amount": 2001, "refund_amount": 2001}, 409, "credit_too_large", "amount"),
        ({"amount": 500}, 422, "validation_error", "refund_amount"),
        ({"amount": 500, "credit_amount": 400}, 422, "validation_error", "credit_amount"),
        ({}, 422, "validation_error", None),
        ({"amount": 5, "lines": [{"type": "custom_line_item", "description": "x", "unit_amount": 1}]}, 422,
         "validation_error", None),
    ],
)  # fmt: skip
async def test_what_cannot_be_credited_is_refused_before_stripe_is_asked(
    api: Caller, sandbox: Sandbox, body: Json, status: int, code: str, param: str | None
) -> None:
    invoice = await api.paid()
    refused = await api.refused("POST", path(invoice), status, code, body)
    assert param is None or refused["param"] == param
    assert await sandbox.requests(method="POST", path="/v1/credit_notes") == []


async def test_more_than_what_is_left_to_refund_is_refused_by_name(api: Caller) -> None:
    invoice = await api.paid()
    await api.post(f"/v1/invoices/{invoice['id']}/refunds", {"amount": 1500})
    body = {"amount": 600, "refund_amount": 600}
    refused = await api.refused("POST", path(invoice), 409, "refund_too_large", body)
    assert (refused["refundable"], refused["param"]) == (500, "refund_amount")


@pytest.mark.parametrize("status", ["draft", "void"])
async def test_only_a_finalized_invoice_can_be_credited(api: Caller, status: str) -> None:
    invoice = await api.made(status)
    await api.refused("POST", path(invoice), 409, "invalid_state", {"amount": 1})
    await api.refused("POST", path(invoice, "/preview"), 409, "invalid_state", {"amount": 1})


async def test_a_credit_note_is_voided_and_what_it_took_off_is_owed_again(live: Caller) -> None:
    invoice = await live.open()
    note = await live.post(path(invoice), {"amount": 700})
    await live.settled()
    void = await live.post(f"/v1/credit-notes/{note['id']}/void")
    assert (void["status"], void["voided_at"] is None) == ("void", False)
    now = await live.get(f"/v1/invoices/{invoice['id']}")
    assert (now["amount_remaining"], now["pre_payment_credit_notes_amount"]) == (2000, 0)
    await live.refused("POST", f"/v1/credit-notes/{note['id']}/void", 409, "invalid_state")
    await live.settled()
    found = [event["type"] for event in (await live.get("/v1/events", invoice=invoice["id"], wait=2))["data"]]
    assert [name for name in found if name.startswith("credit_note.")] == ["credit_note.created", "credit_note.voided"]


async def test_what_gave_back_money_cannot_be_voided(api: Caller) -> None:
    invoice = await api.paid()
    note = await api.post(path(invoice), {"amount": 500, "credit_amount": 500})
    await api.refused("POST", f"/v1/credit-notes/{note['id']}/void", 409, "invalid_state")


async def credit(container: Container, invoice: Json, amount: int) -> Answer | InvoicingError:
    call = Call("tests", f"POST {path(invoice)}", {"amount": amount}, subject=invoice["id"])
    try:
        return await container.operations.run(call, container.credit_notes.create_credit_note)
    except InvoicingError as error:
        return error


async def test_two_credit_notes_at_once_never_exceed_the_total(live: Caller, sandbox: Sandbox) -> None:
    invoice = await live.open()
    outcomes = await asyncio.gather(*(credit(live.container, invoice, 1200) for _ in range(3)))
    assert sum(isinstance(one, Answer) for one in outcomes) == 1
    assert {type(one) for one in outcomes if not isinstance(one, Answer)} <= {InvoiceBusy, CreditTooLarge}
    assert [note["total"] for note in (await sandbox.state())["credit_note"]] == [1200]


@pytest.mark.parametrize("way", ["credit_amount", "out_of_band_amount"])
async def test_what_was_refunded_is_not_credited_as_well(api: Caller, way: str) -> None:
    invoice = await api.paid()
    await api.post(f"/v1/invoices/{invoice['id']}/refunds", {"amount": 1500})
    refused = await api.refused("POST", path(invoice), 409, "credit_too_large", {"amount": 501, way: 501})
    assert refused["creditable"] == 500
    await api.post(path(invoice), {"amount": 500, way: 500})
    await api.refused("POST", f"/v1/invoices/{invoice['id']}/refunds", 409, "nothing_to_refund")


async def test_a_refund_and_a_credit_at_once_never_exceed_what_was_paid(live: Caller) -> None:
    invoice = await live.paid()
    await live.settled()
    headers = [{"Idempotency-Key": "one"}, {"Idempotency-Key": "other"}]
    answers = await asyncio.gather(
        live.client.post(path(invoice), json={"amount": 2000, "credit_amount": 2000}, headers=headers[0]),
        live.client.post(f"/v1/invoices/{invoice['id']}/refunds", json={"amount": 2000}, headers=headers[1]),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]


async def test_a_credit_note_of_the_dashboard_takes_the_invoice_over_once(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    known = len(await stage.events())
    note = await stage.dashboard("credit_notes", invoice=invoice["id"], amount=1000)
    events = (await stage.events())[known:]
    await stage.calls(forget=True)
    await stage.tell(*events)
    assert await stage.calls() == [f"GET /v1/invoices/{invoice['id']}"]
    await stage.dashboard(f"credit_notes/{note['id']}", memo="Sorry")
    await stage.calls(forget=True)
    await stage.tell(await stage.event("credit_note.updated"))
    assert [call for call in await stage.calls() if "events" not in call] == [], "the invoice shows it already"
    shown = (await stage.client.get(f"/v1/credit-notes/{note['id']}")).json()
    assert (shown["memo"], shown["pre_payment_amount"]) == ("Sorry", 1000)
    now = (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()
    assert (now["amount_remaining"], now["pre_payment_credit_notes_amount"]) == (4000, 1000)
