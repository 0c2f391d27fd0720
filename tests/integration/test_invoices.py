"""Invoices through the API: drafts and what becomes of them, as the answer, here and at Stripe."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fixtures.caller import ITEM, Caller, Json
from tests.fixtures.sandbox import PUBLISHABLE_KEY, Sandbox

FIELDS = [{"name": "PO number", "value": "4711"}]
INHERITED = [{"name": "VAT ID", "value": "DE123456789"}]


def seconds(window: str) -> int:
    return int(datetime.fromisoformat(window).timestamp())


async def at_stripe(sandbox: Sandbox, invoice: Json) -> Json:
    return dict((await sandbox.dashboard.get(f"/v1/invoices/{invoice['id']}")).json())


async def test_a_draft_is_answered_as_it_was_asked_for(api: Caller, sandbox: Sandbox) -> None:
    customer = await api.customer()
    asked = {
        "customer": customer["id"],
        "collection_method": "send_invoice",
        "description": "Consulting in May",
        "footer": "Thank you",
        "custom_fields": FIELDS,
        "metadata": {"team": "emea"},
        "reference": "order-1042",
        "currency": "eur",
    }
    invoice = await api.post("/v1/invoices", {**asked, "days_until_due": 30})
    assert {name: invoice[name] for name in asked} == asked
    assert (invoice["status"], invoice["number"]) == ("draft", None)
    assert "client_secret" not in invoice
    assert (invoice["total"], invoice["amount_due"], invoice["items"]) == (0, 0, [])
    assert (invoice["fulfillment"], invoice["finalized_at"], invoice["auto_advance"]) == (None, None, False)
    assert (await at_stripe(sandbox, invoice))["metadata"] == {"team": "emea", "reference": "order-1042"}


async def test_a_draft_is_read_as_it_was_answered(api: Caller) -> None:
    invoice = await api.draft()
    assert await api.get(f"/v1/invoices/{invoice['id']}") == invoice


async def test_one_call_makes_an_open_invoice_with_every_kind_of_item(api: Caller) -> None:
    price = await api.price(12000)
    invoice = await api.draft(
        items=[
            {"price": price["id"], "quantity": 2, "description": "Days", "metadata": {"line": "1"}},
            {"amount": 4900, "currency": "usd", "description": "Travel"},
            {
                "price_data": {"currency": "usd", "product": price["product"], "unit_amount_decimal": "0.5"},
                "quantity": 10,
            },
        ],
        finalize=True,
    )
    assert invoice["status"] == "open"
    assert invoice["number"]
    assert invoice["total"] == invoice["amount_due"] == invoice["amount_remaining"] == 24000 + 4900 + 5
    assert sorted(item["amount"] for item in invoice["items"]) == [5, 4900, 24000]
    days = next(item for item in invoice["items"] if item["description"] == "Days")
    assert (days["price"], days["product"], days["quantity"]) == (price["id"], price["product"], 2)
    assert (days["metadata"], days["unit_amount_decimal"]) == ({"line": "1"}, "12000")


async def test_an_invoice_takes_250_items_in_one_call(api: Caller) -> None:
    invoice = await api.draft(items=[{**ITEM, "amount": 100 + n} for n in range(250)], finalize=True)
    assert len(invoice["items"]) == 250
    assert invoice["total"] == sum(range(100, 350))
    shown = await api.get(f"/v1/invoices/{invoice['id']}")
    assert shown["items"] == invoice["items"]


async def test_days_until_due_say_when_a_draft_is_due(api: Caller) -> None:
    invoice = await api.draft(days_until_due=14)
    assert seconds(invoice["due_at"]) - seconds(invoice["created_at"]) == 14 * 86400


async def test_due_at_says_when_a_draft_is_due(api: Caller) -> None:
    due_at = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    invoice = await api.draft(due_at=due_at.isoformat())
    assert datetime.fromisoformat(invoice["due_at"]) == due_at


async def test_times_are_rfc_3339_in_utc(api: Caller) -> None:
    invoice = await api.paid()
    for name in ("created_at", "updated_at", "finalized_at", "paid_at", "due_at"):
        assert invoice[name].endswith("Z")
        assert datetime.fromisoformat(invoice[name]).tzinfo is not None


async def test_an_invoice_that_is_charged_automatically_has_no_due_date(api: Caller) -> None:
    customer = await api.customer(payment_method="pm_card_visa")
    invoice = await api.draft(customer=customer["id"], collection_method="charge_automatically", auto_advance=True)
    assert (invoice["collection_method"], invoice["due_at"], invoice["auto_advance"]) == (
        "charge_automatically",
        None,
        True,
    )


async def test_an_invoice_says_what_the_payers_bank_shows(api: Caller) -> None:
    invoice = await api.draft(statement_descriptor="ACME ORDER 1042")
    assert (invoice["statement_descriptor"], invoice["receipt_number"]) == ("ACME ORDER 1042", None)
    path = f"/v1/invoices/{invoice['id']}"
    assert (await api.patch(path, {"statement_descriptor": "ACME"}))["statement_descriptor"] == "ACME"
    for bad in ("1042", "A" * 23, "ACME <1>", "ACME*", 'A"', "A\\", "A'"):
        refused = await api.refused("PATCH", path, 422, "validation_error", {"statement_descriptor": bad})
        assert refused["param"] == "statement_descriptor", bad


async def test_a_draft_inherits_custom_fields_and_footer_from_its_customer(api: Caller) -> None:
    customer = await api.customer(invoice_settings={"custom_fields": INHERITED, "footer": "Thank you"})
    invoice = await api.draft(customer=customer["id"])
    assert (invoice["custom_fields"], invoice["footer"]) == (INHERITED, "Thank you")


@pytest.mark.parametrize("own", [FIELDS, []])
async def test_a_drafts_own_custom_fields_replace_those_of_its_customer(api: Caller, own: list[Json]) -> None:
    customer = await api.customer(invoice_settings={"custom_fields": INHERITED})
    invoice = await api.draft(customer=customer["id"], custom_fields=own)
    assert invoice["custom_fields"] == own


async def test_custom_fields_can_be_changed_while_draft_and_not_afterwards(api: Caller) -> None:
    invoice = await api.draft(custom_fields=INHERITED)
    path = f"/v1/invoices/{invoice['id']}"
    assert (await api.patch(path, {"custom_fields": FIELDS}))["custom_fields"] == FIELDS
    assert (await api.patch(path, {"custom_fields": []}))["custom_fields"] == []
    four = [{"name": f"n{n}", "value": "v"} for n in range(4)]
    assert (await api.patch(path, {"custom_fields": four}))["custom_fields"] == four
    await api.post(f"{path}/finalize")
    problem = await api.refused("PATCH", path, 409, "invalid_state", {"custom_fields": FIELDS})
    assert "open" in problem["detail"]
    assert (await api.get(path))["custom_fields"] == four


async def test_a_draft_is_changed_field_by_field(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft(description="a", footer="b", metadata={"x": "1", "y": "2"}, reference="keep")
    path = f"/v1/invoices/{invoice['id']}"
    changed = await api.patch(
        path,
        {
            "description": "c",
            "footer": None,
            "metadata": {"x": None, "z": "3"},
            "auto_advance": True,
            "days_until_due": 3,
        },
    )
    assert (changed["description"], changed["footer"]) == ("c", None)
    assert (changed["metadata"], changed["reference"]) == ({"y": "2", "z": "3"}, "keep")
    assert changed["auto_advance"] is True
    assert seconds(changed["due_at"]) - seconds(changed["created_at"]) == 3 * 86400
    assert (await at_stripe(sandbox, invoice))["metadata"] == {"y": "2", "z": "3", "reference": "keep"}
    assert changed["items"] == invoice["items"]


async def test_a_draft_may_change_how_it_is_collected(api: Caller) -> None:
    invoice = await api.draft()
    changed = await api.patch(f"/v1/invoices/{invoice['id']}", {"collection_method": "charge_automatically"})
    assert (changed["collection_method"], changed["due_at"]) == ("charge_automatically", None)


async def test_metadata_leaves_room_for_what_the_service_keeps_in_it(api: Caller) -> None:
    customer, keys = (await api.customer())["id"], {f"key_{number}": "x" for number in range(49)}
    body = {"customer": customer, "days_until_due": 3, "metadata": keys, "reference": "order-49"}
    refused = await api.refused("POST", "/v1/invoices", 422, "validation_error", body | {"reminders": "off"})
    assert refused["param"] == "metadata"
    assert (await api.post("/v1/invoices", body))["reference"] == "order-49"


async def test_the_metadata_of_a_finalized_invoice_may_change(api: Caller) -> None:
    invoice = await api.open(metadata={"a": "b"})
    changed = await api.patch(f"/v1/invoices/{invoice['id']}", {"metadata": {"c": "d"}})
    assert changed["metadata"] == {"a": "b", "c": "d"}


async def test_a_deleted_draft_is_gone_here_and_at_stripe(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft()
    path = f"/v1/invoices/{invoice['id']}"
    assert await api.delete(path) == {"id": invoice["id"], "deleted": True}
    await api.refused("GET", path, 404, "not_found")
    await api.refused("POST", f"{path}/finalize", 404, "not_found")
    await api.refused("GET", f"{path}/client-secret", 404, "not_found")
    assert await api.every("/v1/invoices") == []
    assert (await sandbox.dashboard.get(path)).status_code == 404


async def test_finalizing_answers_the_client_secret_and_forbids_storing_it(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft()
    answer = await api.send("POST", f"/v1/invoices/{invoice['id']}/finalize")
    opened = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert (opened["status"], opened["fulfillment"]) == ("open", None)
    assert opened["client_secret"].startswith(f"{opened['payment_intent']}_secret_")
    assert opened["finalized_at"]
    assert opened["hosted_invoice_url"].startswith("http")
    assert opened["invoice_pdf"].startswith("http")
    (intent,) = (await sandbox.state())["payment_intent"]
    assert intent["id"] == opened["payment_intent"]


async def test_finalizing_an_invoice_over_nothing_pays_it_and_there_is_no_secret(api: Caller) -> None:
    invoice = await api.draft(items=[{**ITEM, "amount": 0}])
    paid = await api.post(f"/v1/invoices/{invoice['id']}/finalize")
    assert (paid["status"], paid["client_secret"], paid["amount_due"]) == ("paid", None, 0)


async def test_an_empty_invoice_can_be_finalized_like_any_invoice_over_nothing(api: Caller) -> None:
    paid = await api.draft(items=[], finalize=True, allow_empty=True)
    assert (paid["status"], paid["client_secret"], paid["items"]) == ("paid", None, [])


@pytest.mark.parametrize("act", ["finalize", "send", "pay"])
async def test_a_draft_without_items_is_not_finalized_by_accident(api: Caller, sandbox: Sandbox, act: str) -> None:
    invoice = await api.draft(items=[])
    path = f"/v1/invoices/{invoice['id']}"
    problem = await api.refused("POST", f"{path}/{act}", 409, "nothing_to_bill")
    assert "allow_empty" in problem["detail"]
    [stored] = (await sandbox.state())["invoice"]
    assert stored["status"] == "draft"
    paid = await api.post(f"{path}/finalize", {"allow_empty": True})
    assert (paid["status"], paid["settled_by"]) == ("paid", "nothing_due")


async def test_nothing_is_created_where_nothing_would_be_billed(api: Caller, sandbox: Sandbox) -> None:
    body = {"customer": (await api.customer())["id"], "days_until_due": 3, "finalize": True}
    problem = await api.refused("POST", "/v1/invoices", 409, "nothing_to_bill", body)
    assert problem["param"] == "items"
    assert "invoice" not in await sandbox.state()


async def test_items_that_stripe_has_and_we_have_not_heard_of_are_billed(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft(items=[])
    item = {"customer": invoice["customer"], "invoice": invoice["id"], "amount": 500, "currency": "usd"}
    assert (await sandbox.dashboard.post("/v1/invoiceitems", data=item)).is_success
    opened = await api.post(f"/v1/invoices/{invoice['id']}/finalize")
    assert (opened["status"], opened["amount_due"]) == ("open", 500)


async def test_sending_a_draft_finalizes_it_and_stripe_emails_it(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft()
    sent = await api.post(f"/v1/invoices/{invoice['id']}/send")
    assert sent["status"] == "open"
    assert "client_secret" not in sent
    (mail,) = await sandbox.outbox()
    assert (mail["invoice"], mail["to"]) == (invoice["id"], "jenny@example.com")


async def test_an_open_invoice_can_be_sent_again(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    for _ in range(2):
        assert (await api.post(f"/v1/invoices/{invoice['id']}/send"))["status"] == "open"
    assert len(await sandbox.outbox()) == 2


async def test_an_invoice_that_is_charged_automatically_cannot_be_sent_and_stripe_says_why(api: Caller) -> None:
    invoice = await api.draft(collection_method="charge_automatically")
    path = f"/v1/invoices/{invoice['id']}/send"
    problem = await api.refused("POST", path, 422, "stripe_invalid_request")
    assert "collection method" in problem["detail"]


async def test_an_open_invoice_is_paid_by_a_payment_method(api: Caller) -> None:
    invoice = await api.open()
    paid = await api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 2000, 0)
    assert paid["payment_intent"] == invoice["payment_intent"]
    assert paid["paid_at"]


async def test_an_invoice_is_paid_by_the_default_payment_method_of_its_customer(api: Caller, sandbox: Sandbox) -> None:
    customer = await api.customer(payment_method="pm_card_visa")
    method = next(one["id"] for one in (await sandbox.state())["payment_method"] if one["customer"] == customer["id"])
    await api.patch(f"/v1/customers/{customer['id']}", {"invoice_settings": {"default_payment_method": method}})
    invoice = await api.open(customer=customer["id"], collection_method="charge_automatically")
    assert (await api.post(f"/v1/invoices/{invoice['id']}/pay"))["status"] == "paid"


async def test_a_draft_is_finalized_and_paid_in_one_call(api: Caller) -> None:
    invoice = await api.draft()
    paid = await api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    assert (paid["status"], paid["amount_paid"]) == ("paid", 2000)
    assert paid["payment_intent"]


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
async def test_a_decline_is_402_with_stripes_reason_and_the_invoice_stays_open(
    api: Caller, card: str, code: str, decline_code: str | None
) -> None:
    invoice = await api.open()
    path = f"/v1/invoices/{invoice['id']}"
    problem = await api.refused("POST", f"{path}/pay", 402, "payment_failed", {"payment_method": card})
    assert problem["stripe"]["code"] == code
    if decline_code:
        assert problem["stripe"]["decline_code"] == decline_code
    assert (await api.get(path))["status"] == "open"
    assert (await api.post(f"{path}/pay", {"payment_method": "pm_card_visa"}))["status"] == "paid"


@pytest.mark.parametrize("declined_at_once", [False, True])
async def test_3d_secure_is_402_payment_action_required(
    api: Caller, sandbox: Sandbox, *, declined_at_once: bool
) -> None:
    await sandbox.switch(invoice_authentication_declines=declined_at_once)
    invoice = await api.open()
    path = f"/v1/invoices/{invoice['id']}"
    body = {"payment_method": "pm_card_authenticationRequired"}
    problem = await api.refused("POST", f"{path}/pay", 402, "payment_action_required", body)
    assert problem["stripe"]["code"] in {"authentication_required", "invoice_payment_intent_requires_action"}
    assert (await api.get(path))["status"] == "open"
    await sandbox.switch(invoice_authentication_declines=False)


async def test_paying_a_draft_with_a_card_that_is_declined_leaves_it_open(api: Caller) -> None:
    invoice = await api.draft()
    path = f"/v1/invoices/{invoice['id']}"
    body = {"payment_method": "pm_card_chargeDeclined"}
    await api.refused("POST", f"{path}/pay", 402, "payment_failed", body)
    assert (await api.get(path))["status"] == "open"


async def test_paying_without_any_payment_method_is_refused_with_stripes_words(api: Caller) -> None:
    invoice = await api.open()
    problem = await api.refused("POST", f"/v1/invoices/{invoice['id']}/pay", 422, "stripe_invalid_request")
    assert "payment" in problem["detail"]


@pytest.mark.parametrize("status", ["draft", "open", "uncollectible"])
async def test_an_invoice_is_paid_out_of_band(api: Caller, status: str) -> None:
    invoice = await api.made(status)
    paid = await api.post(f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})
    assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)


@pytest.mark.parametrize("status", ["open", "uncollectible"])
async def test_an_invoice_is_voided(api: Caller, status: str) -> None:
    invoice = await api.made(status)
    void = await api.post(f"/v1/invoices/{invoice['id']}/void")
    assert void["status"] == "void"
    assert void["voided_at"]


async def test_an_invoice_is_marked_uncollectible_and_can_still_be_paid(api: Caller) -> None:
    invoice = await api.uncollectible()
    assert invoice["marked_uncollectible_at"]
    paid = await api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    assert paid["status"] == "paid"


async def test_the_client_secret_of_an_open_invoice_is_the_one_finalizing_answered(api: Caller) -> None:
    invoice = await api.open()
    answer = await api.send("GET", f"/v1/invoices/{invoice['id']}/client-secret")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "client_secret": invoice["client_secret"],
        "publishable_key": PUBLISHABLE_KEY,
        "payment_intent": invoice["payment_intent"],
    }


@pytest.mark.parametrize("status", ["draft", "paid", "void", "uncollectible"])
async def test_only_an_open_invoice_has_a_client_secret(api: Caller, status: str) -> None:
    invoice = await api.made(status)
    path = f"/v1/invoices/{invoice['id']}/client-secret"
    problem = await api.refused("GET", path, 409, "invalid_state")
    assert status in problem["detail"]


async def test_a_client_secret_is_not_given_out_when_the_invoice_was_paid_behind_our_back(
    api: Caller, sandbox: Sandbox
) -> None:
    invoice = await api.open()
    paid = await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/pay", data={"paid_out_of_band": "true"})
    assert paid.is_success
    problem = await api.refused("GET", f"/v1/invoices/{invoice['id']}/client-secret", 409, "invalid_state")
    assert "paid" in problem["detail"]


async def test_a_create_that_stripe_refuses_leaves_no_draft_behind(api: Caller, sandbox: Sandbox) -> None:
    customer = await api.customer()
    body = {"customer": customer["id"], "days_until_due": 1, "items": [{"price": "price_unknown"}], "reference": "r"}
    problem = await api.refused("POST", "/v1/invoices", 422, "stripe_invalid_request", body)
    assert "price_unknown" in problem["detail"]
    assert (await sandbox.state()).get("invoice", []) == []
    assert await api.every("/v1/invoices") == []
    again = await api.post("/v1/invoices", {**body, "items": [ITEM]})
    assert again["reference"] == "r"


async def test_an_invoice_for_an_unknown_customer_is_refused_naming_the_field(api: Caller) -> None:
    body = {"customer": "cus_unknown", "days_until_due": 1}
    problem = await api.refused("POST", "/v1/invoices", 422, "stripe_invalid_request", body)
    assert problem["param"] == "customer"


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 500), ("kwd", 5120), ("ugx", 500)])
async def test_an_invoice_may_be_in_a_currency_without_or_with_three_decimals(
    api: Caller, currency: str, amount: int
) -> None:
    invoice = await api.open(items=[{"amount": amount, "currency": currency}])
    assert (invoice["currency"], invoice["total"]) == (currency, amount)


async def test_nulls_in_a_create_are_as_if_left_out(api: Caller) -> None:
    customer = await api.customer(invoice_settings={"custom_fields": INHERITED})
    nothing = dict.fromkeys(["due_at", "currency", "description", "footer", "custom_fields", "reference"])
    item = {**ITEM, "price": None, "price_data": None, "quantity": None}
    body = {"customer": customer["id"], "days_until_due": 7, "items": [item], **nothing}
    invoice = await api.post("/v1/invoices", body)
    assert (invoice["custom_fields"], invoice["total"]) == (INHERITED, 2000)
    automatic = {"customer": customer["id"], "collection_method": "charge_automatically", "days_until_due": None}
    assert (await api.post("/v1/invoices", automatic))["due_at"] is None
