"""Before an invoice is sent: previews store nothing, a revision replaces, a copy stands by itself."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fixtures.caller import ITEM, Caller
from tests.fixtures.sandbox import Sandbox

Json = dict[str, Any]
TERMS: Json = {
    "description": "Work in May",
    "footer": "Thank you.",
    "custom_fields": [{"name": "PO number", "value": "4711"}],
    "metadata": {"team": "emea"},
    "statement_descriptor": "ACME WORK",
    "days_until_due": 14,
}


def billed(invoice: Json) -> list[tuple[str | None, int]]:
    """What an invoice bills, in any order."""
    return sorted((item["description"], item["amount"]) for item in invoice["items"])


# Preview


async def test_a_preview_says_what_the_invoice_will_be(api: Caller) -> None:
    price = await api.price(12000)
    customer = await api.customer()
    items = [{"price": price["id"], "quantity": 2}, ITEM]
    preview = await api.post("/v1/invoices/preview", {"customer": customer["id"], "items": items})
    invoice = await api.draft(customer=customer["id"], items=items)
    shown = {name: value for name, value in preview.items() if name != "items"}
    assert shown == {name: invoice[name] for name in shown}
    assert preview["total"] == 26000
    assert billed(preview) == billed(invoice)


async def test_a_preview_needs_no_customer_that_exists(api: Caller) -> None:
    details = {
        "address": {"line1": "Am Markt 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
        "tax_exempt": "reverse",
        "tax_ids": [{"type": "eu_vat", "value": "DE123456789"}],
    }
    preview = await api.post("/v1/invoices/preview", {"customer_details": details, "currency": "eur"})
    assert (preview["currency"], preview["total"], preview["items"]) == ("eur", 0, [])
    assert preview["customer_tax_ids"] == [{"type": "eu_vat", "value": "DE123456789"}]
    assert preview["customer_address"]["country"] == "DE"


async def test_a_preview_stores_nothing_here_or_at_stripe(api: Caller, sandbox: Sandbox) -> None:
    customer = await api.customer()
    before = await sandbox.state()
    for _ in range(2):
        await api.post("/v1/invoices/preview", {"customer": customer["id"], "items": [ITEM]})
    assert await sandbox.state() == before
    assert (await api.get("/v1/invoices"))["data"] == []


async def test_what_a_preview_lacks_or_stripe_refuses_is_named_by_our_fields(api: Caller) -> None:
    said = await api.refused("POST", "/v1/invoices/preview", 422, "validation_error", {"items": [ITEM]})
    assert said["param"] == "customer"
    customer = (await api.customer())["id"]
    body = {"customer": customer, "items": [ITEM, {"price": "price_unknown", "quantity": 1}]}
    said = await api.refused("POST", "/v1/invoices/preview", 422, "stripe_invalid_request", body)
    assert said["param"] == "items[1].price"
    body = {"customer": customer, "currency": "eur", "items": [ITEM]}
    said = await api.refused("POST", "/v1/invoices/preview", 422, "validation_error", body)
    assert said["param"] == "items[0]"


# Revision


async def test_a_finalized_revision_replaces_the_invoice_it_revises(live: Caller, sandbox: Sandbox) -> None:
    old = await live.open(reference="order-1", **TERMS)
    draft = await live.post(f"/v1/invoices/{old['id']}/revise", {"description": "Work in June"})
    assert (draft["status"], draft["from_invoice"], draft["number"]) == ("draft", old["id"], None)
    assert (draft["description"], draft["reference"], draft["metadata"]) == ("Work in June", None, {"team": "emea"})
    assert billed(draft) == billed(old)
    assert (await live.get(f"/v1/invoices/{old['id']}"))["status"] == "open"

    await sandbox.mode(hold=True)
    finalized = await live.post(f"/v1/invoices/{draft['id']}/finalize")
    replaced = await live.get(f"/v1/invoices/{old['id']}")
    assert (replaced["status"], replaced["latest_revision"]) == ("void", draft["id"])  # before any event has arrived
    await sandbox.release()
    await live.settled()
    assert await live.get(f"/v1/invoices/{old['id']}") | {"updated_at": None, "fulfillment": None} == replaced | {
        "updated_at": None,
        "fulfillment": None,
    }
    assert (await live.get(f"/v1/invoices/{old['id']}/fulfillment"))["status"] == "canceled"
    assert (await live.get(f"/v1/invoices/{draft['id']}/fulfillment"))["status"] == "awaiting_payment"
    assert finalized["client_secret"]
    told = [event for event in await told_of(live, old["id"]) if event["type"] == "invoice.voided"]
    assert [event["data"]["invoice"]["latest_revision"] for event in told] == [draft["id"]]


async def told_of(api: Caller, invoice: str) -> list[Json]:
    found: list[Json] = (await api.get("/v1/events", invoice=invoice, limit=100))["data"]
    return found


async def test_a_revision_made_and_finalized_at_stripe_is_followed(live: Caller, sandbox: Sandbox) -> None:
    old = await live.open()
    made = await sandbox.dashboard.post(
        "/v1/invoices", data={"from_invoice[action]": "revision", "from_invoice[invoice]": old["id"]}
    )
    await sandbox.dashboard.post(f"/v1/invoices/{made.json()['id']}/finalize")
    await live.settled()
    assert (await live.get(f"/v1/invoices/{old['id']}"))["latest_revision"] == made.json()["id"]
    assert (await live.get(f"/v1/invoices/{made.json()['id']}"))["from_invoice"] == old["id"]


@pytest.mark.parametrize("act", ["send", "pay"])
async def test_a_revision_that_is_finalized_on_the_way_replaces_too(api: Caller, act: str) -> None:
    old = await api.open()
    draft = await api.post(f"/v1/invoices/{old['id']}/revise")
    await api.post(f"/v1/invoices/{draft['id']}/{act}", {"payment_method": "pm_card_visa"} if act == "pay" else None)
    assert (await api.get(f"/v1/invoices/{old['id']}"))["status"] == "void"


async def test_what_cannot_be_read_of_the_replaced_invoice_is_told_by_its_events(
    live: Caller, sandbox: Sandbox
) -> None:
    old = await live.open()
    draft = await live.post(f"/v1/invoices/{old['id']}/revise")
    await sandbox.fault("GET", f"/v1/invoices/{old['id']}", status=500, times=9)
    await live.post(f"/v1/invoices/{draft['id']}/finalize")
    await sandbox.clear_faults()
    await live.settled()
    assert (await live.get(f"/v1/invoices/{old['id']}"))["status"] == "void"


@pytest.mark.parametrize("status", ["draft", "paid", "void"])
async def test_only_what_is_open_or_uncollectible_is_revised(api: Caller, status: str) -> None:
    invoice = await api.made(status)
    said = await api.refused("POST", f"/v1/invoices/{invoice['id']}/revise", 409, "invalid_state")
    assert said["invoice_status"] == status


async def test_stripe_s_own_state_decides_on_a_revision(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/void")
    said = await api.refused("POST", f"/v1/invoices/{invoice['id']}/revise", 409, "invalid_state")
    assert said["invoice_status"] == "void"


# Copy


@pytest.mark.parametrize("status", ["draft", "open", "paid", "void", "uncollectible"])
async def test_a_copy_bills_the_same_and_has_no_number_and_no_payments(api: Caller, status: str) -> None:
    price = await api.price(12000)
    items = [{"price": price["id"], "quantity": 2}, ITEM]
    invoice = await api.made(status, items=items, reference="order-1", **TERMS)
    copy = await api.post(f"/v1/invoices/{invoice['id']}/copy", {"metadata": {"month": "june"}})
    kept = ("customer", "currency", "total", "footer", "description", "custom_fields", "statement_descriptor")
    assert {name: copy[name] for name in kept} == {name: invoice[name] for name in kept}
    assert copy["metadata"] == {"team": "emea", "month": "june"}
    assert (copy["status"], copy["number"], copy["reference"], copy["amount_paid"]) == ("draft", None, None, 0)
    assert copy["from_invoice"] is None
    assert billed(copy) == billed(invoice)
    assert price["id"] in {item["price"] for item in copy["items"]}
    assert days(copy) == 14


def days(invoice: Json) -> int:
    due, made = (int(invoice[name][8:10]) for name in ("due_at", "created_at"))
    return (due - made) % 30 or (due - made) % 31


async def test_a_copy_may_be_for_another_customer_and_finalized(api: Caller) -> None:
    invoice = await api.open()
    other = (await api.customer())["id"]
    body = {"customer": other, "days_until_due": 3, "reference": "order-2", "description": "Again", "finalize": True}
    copy = await api.post(f"/v1/invoices/{invoice['id']}/copy", body)
    assert (copy["customer"], copy["status"], copy["reference"]) == (other, "open", "order-2")
    assert copy["client_secret"]
    assert copy["description"] == "Again"


async def test_fractions_and_tax_rates_are_copied_without_a_price_that_can_be_used_again(
    api: Caller, sandbox: Sandbox
) -> None:
    rates = [
        (
            await sandbox.dashboard.post(
                "/v1/tax_rates", data={"display_name": "VAT", "inclusive": "false", "percentage": p}
            )
        ).json()["id"]
        for p in ("19", "7")
    ]
    hours = {"unit_amount_decimal": "12000", "currency": "usd", "quantity_decimal": "3.5", "description": "Hours"}
    items = [hours, ITEM | {"tax_rates": [rates[1]]}]
    invoice = await api.open(items=items, default_tax_rates=[rates[0]])
    copy = await api.post(f"/v1/invoices/{invoice['id']}/copy")
    assert (copy["total"], copy["default_tax_rates"]) == (invoice["total"], [rates[0]])
    assert invoice["total"] == 42000 + 7980 + 2000 + 140
    assert {(item["quantity_decimal"], item["amount"]) for item in copy["items"]} == {("3.5", 42000), ("1", 2000)}


@pytest.mark.parametrize("inclusive", [False, True])
async def test_taxes_whose_rate_stripe_archived_are_copied_as_amounts(live: Caller, *, inclusive: bool) -> None:
    vat = {"display_name": "VAT", "inclusive": inclusive, "percentage": 7.5, "country": "DE"}
    tax = {"amount": 150, "taxable_amount": 2000, "tax_rate_data": vat, "taxability_reason": "standard_rated"}
    invoice = await live.draft(items=[ITEM | {"tax_amounts": [tax]}, ITEM])
    await live.settled()
    copy = await live.post(f"/v1/invoices/{invoice['id']}/copy", {"finalize": True})
    assert (copy["total"], copy["taxes"]) == (invoice["total"], invoice["taxes"])


async def test_a_copy_of_an_invoice_whose_default_rate_is_archived_is_taxed_the_same(live: Caller) -> None:
    rates = [
        (await live.post("/v1/tax-rates", {"display_name": "VAT", "percentage": p, "inclusive": False}))["id"]
        for p in ("19", "7")
    ]
    items = [ITEM, ITEM | {"tax_rates": [rates[1]]}]
    invoice = await live.open(items=items, default_tax_rates=rates[:1])
    await live.patch(f"/v1/tax-rates/{rates[0]}", {"active": False})
    copy = await live.post(f"/v1/invoices/{invoice['id']}/copy")
    assert (copy["total"], copy["default_tax_rates"]) == (4000 + 380 + 140, [])
    assert sorted(tax["amount"] for tax in copy["taxes"]) == [140, 380]


async def test_a_copy_without_the_discount_does_not_take_over_what_was_taxed_with_it(live: Caller) -> None:
    vat = {"display_name": "VAT", "inclusive": False, "percentage": 10.0}
    coupon = (await live.post("/v1/coupons", {"percent_off": "50", "duration": "once"}))["id"]
    item = ITEM | {"tax_amounts": [{"amount": 100, "taxable_amount": 1000, "tax_rate_data": vat}]}
    invoice = await live.draft(items=[item | {"discounts": [{"coupon": coupon}]}])
    await live.settled()
    said = await live.refused("POST", f"/v1/invoices/{invoice['id']}/copy", 422, "stripe_invalid_request")
    assert said["param"] == "items[0].tax_rates"


async def test_a_tax_whose_base_stripe_does_not_say_is_not_copied_as_an_amount(live: Caller) -> None:
    vat = {"display_name": "VAT", "inclusive": False, "percentage": 7.5}
    tax = {"amount": 150, "taxable_amount": 2000, "tax_rate_data": vat}
    invoice = await live.draft(items=[ITEM | {"tax_amounts": [tax]}])
    await live.settled()
    async with live.container.database.connection() as connection:
        await connection.execute(
            """UPDATE invoices SET items_document = replace(items_document, '"taxable_amount":2000', '"taxable_amount":null')"""
        )
    said = await live.refused("POST", f"/v1/invoices/{invoice['id']}/copy", 422, "stripe_invalid_request")
    assert said["param"] == "items[0].tax_rates"


async def test_a_copy_that_is_charged_has_no_due_date(api: Caller) -> None:
    invoice = await api.draft(collection_method="charge_automatically")
    copy = await api.post(f"/v1/invoices/{invoice['id']}/copy")
    assert (copy["collection_method"], copy["due_at"]) == ("charge_automatically", None)


async def test_what_cannot_be_copied_leaves_nothing_behind(api: Caller, sandbox: Sandbox) -> None:
    price = await api.price(12000)
    invoice = await api.open(items=[{"price": price["id"], "quantity": 2}])
    await sandbox.dashboard.post(f"/v1/prices/{price['id']}", data={"active": "false"})
    said = await api.refused("POST", f"/v1/invoices/{invoice['id']}/copy", 422, "stripe_invalid_request")
    assert re.fullmatch(r"items\[0\]\.price", said["param"])
    await api.refused("POST", "/v1/invoices/in_none/copy", 404, "not_found")
    assert [one["id"] for one in (await sandbox.state())["invoice"]] == [invoice["id"]]
    await api.patch(f"/v1/prices/{price['id']}", {"active": False})  # now it is known here, too
    copy = await api.post(f"/v1/invoices/{invoice['id']}/copy")
    assert (copy["total"], len(copy["items"])) == (24000, 1)


async def test_the_same_copy_sent_twice_is_made_once(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    first, again = [
        await api.post(f"/v1/invoices/{invoice['id']}/copy", headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert first == again
    assert len((await sandbox.state())["invoice"]) == 2


# Scheduled finalization


async def test_a_draft_is_finalized_at_its_time_by_stripes_clock(live: Caller, sandbox: Sandbox) -> None:
    at = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    draft = await live.draft(automatically_finalizes_at=(at - timedelta(days=1)).isoformat())
    draft = await live.patch(f"/v1/invoices/{draft['id']}", {"automatically_finalizes_at": at.isoformat()})
    assert (datetime.fromisoformat(draft["automatically_finalizes_at"]), draft["auto_advance"]) == (at, True)
    await sandbox.advance(86_400)
    await live.settled()
    assert (await live.get(f"/v1/invoices/{draft['id']}"))["status"] == "draft"
    await sandbox.advance(86_400 + 60)
    await live.settled()
    invoice = await live.get(f"/v1/invoices/{draft['id']}")
    assert (invoice["status"], invoice["automatically_finalizes_at"]) == ("open", None)
    assert (await live.get(f"/v1/invoices/{draft['id']}/fulfillment"))["status"] == "awaiting_payment"
