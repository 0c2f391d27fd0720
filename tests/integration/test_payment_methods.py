"""Saved payment methods: attached, listed, chosen, detached, erased; and whatever Stripe tells of them, in any order."""

import itertools
import json

import pytest
from fastapi import FastAPI

from app.projection import erasure
from tests.fixtures.caller import Caller, Json
from tests.fixtures.stage import Stage


@pytest.fixture
def api(stage: Stage, app: FastAPI) -> Caller:
    return Caller(stage.client, stage.sandbox, app)


async def test_a_payment_method_is_attached_chosen_listed_and_detached(api: Caller, stage: Stage) -> None:
    customer = await api.customer()
    path = f"/v1/customers/{customer['id']}/payment-methods"
    first = await api.post(path, {"payment_method": "pm_card_visa", "set_default": True})
    assert first | {"id": 0, "created_at": 0, "updated_at": 0, "exp_year": 0} == {
        "id": 0, "customer": customer["id"], "type": "card", "brand": "visa", "last4": "4242", "exp_month": 12,
        "exp_year": 0, "mandate_status": None, "is_default": True, "livemode": False, "created_at": 0, "updated_at": 0,
    }  # fmt: skip
    second = await api.post(path, {"payment_method": "pm_card_mastercard"})
    assert (second["brand"], second["is_default"]) == ("mastercard", False)
    assert [one["id"] for one in await api.every(path)] == [second["id"], first["id"]]
    assert await api.every(path, type="us_bank_account") == []
    chosen = await api.post(f"{path}/{second['id']}/default")
    assert (chosen["id"], chosen["is_default"]) == (second["id"], True)
    settings = (await api.get(f"/v1/customers/{customer['id']}"))["invoice_settings"]
    assert settings["default_payment_method"] == second["id"]
    assert await api.delete(f"{path}/{second['id']}") == {"id": second["id"], "deleted": True}
    assert [(one["id"], one["is_default"]) for one in await api.every(path)] == [(first["id"], False)]
    await stage.calls(forget=True)
    await stage.tell(*await stage.events())
    assert [(one["id"], one["is_default"]) for one in await api.every(path)] == [(first["id"], False)]
    assert not [call for call in await stage.calls() if "payment_methods" in call]  # their events tell nothing new


async def test_what_is_not_the_customers_is_not_found(api: Caller) -> None:
    mine, other = await api.customer(), await api.customer()
    method = await api.post(f"/v1/customers/{other['id']}/payment-methods", {"payment_method": "pm_card_visa"})
    path = f"/v1/customers/{mine['id']}/payment-methods"
    await api.refused("DELETE", f"{path}/{method['id']}", 404, "not_found")
    await api.refused("POST", f"{path}/{method['id']}/default", 404, "not_found")
    await api.refused("POST", f"{path}/pm_none/default", 404, "not_found")
    setup = await api.post(f"/v1/customers/{other['id']}/setup-intent")
    await api.refused("GET", f"/v1/customers/{mine['id']}/setup-intent/{setup['id']}", 404, "not_found")
    for ending, body in (("payment-methods", {"payment_method": "pm_card_visa"}), ("setup-intent", {})):
        await api.refused("POST", f"/v1/customers/cus_none/{ending}", 404, "not_found", body)
    await api.refused("GET", "/v1/customers/cus_none/payment-methods", 404, "not_found")
    refused = await api.refused("POST", path, 422, "stripe_invalid_request", {"payment_method": method["id"]})
    assert "already been attached" in refused["detail"]


async def test_a_card_that_is_declined_is_not_saved(api: Caller) -> None:
    customer = await api.customer()
    path, body = f"/v1/customers/{customer['id']}/payment-methods", {"payment_method": "pm_card_visa_chargeDeclined"}
    refused = await api.refused("POST", path, 402, "payment_failed", body)
    assert refused["stripe"]["decline_code"] == "generic_decline"
    assert await api.every(path) == []


async def test_one_that_is_detached_at_stripe_meanwhile_is_gone_here_too(api: Caller, stage: Stage) -> None:
    customer = await api.customer()
    path = f"/v1/customers/{customer['id']}/payment-methods"
    gone, kept = [await api.post(path, {"payment_method": "pm_card_visa"}) for _ in range(2)]
    for method in (gone, kept):
        await stage.dashboard(f"payment_methods/{method['id']}/detach")
    assert await api.delete(f"{path}/{gone['id']}") == {"id": gone["id"], "deleted": True}
    await api.refused("POST", f"{path}/{kept['id']}/default", 404, "not_found")
    assert await api.every(path) == []


async def told(stage: Stage) -> list[Json]:
    return await stage.events(
        "payment_method.attached", "payment_method.updated", "payment_method.automatically_updated",
        "payment_method.detached", "mandate.updated",
    )  # fmt: skip


async def test_events_end_in_the_same_state_in_whatever_order_they_come(stage: Stage) -> None:
    customer = await stage.dashboard("customers", name="Jenny Rosen")
    method = await stage.dashboard("payment_methods/pm_card_visa/attach", customer=customer["id"])
    await stage.dashboard(f"payment_methods/{method['id']}", **{"card[exp_year]": 2039})
    events = await told(stage)
    await stage.dashboard(f"payment_methods/{method['id']}/detach")
    detached = (await told(stage))[-1]
    for number, order in enumerate(itertools.permutations([*events, detached])):
        copy = [json.loads(json.dumps(event).replace(method["id"], f"pm_{number}")) for event in order]
        for event in copy:
            event["id"] += f"x{number}"
            event["created"] += ("attached", "updated", "detached").index(event["type"].partition(".")[2])
        await stage.tell(*copy)
        row = await stage.row("payment_methods", f"pm_{number}")
        assert row is None or (row["deleted_at"], row["last4"], row["customer"]) == (
            row["deleted_at"],
            None,
            customer["id"],
        )
        assert row is None or row["deleted_at"], [event["type"] for event in order]


async def test_an_update_from_the_cards_network_is_mirrored(stage: Stage, api: Caller) -> None:
    customer = await api.customer()
    path = f"/v1/customers/{customer['id']}/payment-methods"
    method = await api.post(path, {"payment_method": "pm_card_visa"})
    await stage.sandbox.renew(method["id"], exp_month=5, exp_year=2041)
    await stage.tell(await stage.event("payment_method.automatically_updated"))
    [shown] = await api.every(path)
    assert (shown["exp_month"], shown["exp_year"]) == (5, 2041)


async def debit(stage: Stage, customer: str) -> Json:
    """A bank account that a SetupIntent saved, with its mandate."""
    return await stage.dashboard(
        "setup_intents",
        customer=customer,
        payment_method="pm_usBankAccount_success",
        confirm="true",
        return_url="https://shop.example/",
    )


async def test_a_mandate_that_is_revoked_is_shown_with_its_payment_method(stage: Stage, api: Caller) -> None:
    customer = await api.customer()
    setup = await debit(stage, customer["id"])
    await stage.sandbox.mandate(setup["mandate"], "inactive")
    await stage.sandbox.mandate(setup["mandate"], "active")  # which Stripe never says of one that was revoked
    revoked, active = await stage.events("mandate.updated")
    await stage.calls(forget=True)
    await stage.tell(revoked)
    assert await stage.calls() == [f"GET /v1/payment_methods/{setup['payment_method']}"]
    path = f"/v1/customers/{customer['id']}/payment-methods"
    [shown] = await api.every(path)
    assert (shown["type"], shown["last4"], shown["mandate_status"]) == ("us_bank_account", "6789", "inactive")
    await stage.tell(active, await stage.event("payment_method.attached"), revoked)
    assert (await api.every(path))[0]["mandate_status"] == "inactive"
    newer = json.loads(json.dumps(active).replace(setup["mandate"], "mandate_new")) | {"id": "evt_new"}
    await stage.tell(newer | {"created": active["created"] + 60})
    assert (await api.every(path))[0]["mandate_status"] == "active"


async def test_a_setup_intent_saves_a_method_and_says_what_became_of_it(stage: Stage, api: Caller) -> None:
    customer = await api.customer()
    path = f"/v1/customers/{customer['id']}"
    unknown = {"payment_method_types": ["card", "shells"]}
    problem = await api.refused("POST", f"{path}/setup-intent", 422, "stripe_invalid_request", unknown)
    assert problem["param"] == "payment_method_types[1]"
    body, key = {"usage": "on_session", "payment_method_types": ["card"]}, {"Idempotency-Key": "save"}
    made = await api.post(f"{path}/setup-intent", body, headers=key)
    assert (made["status"], made["customer"], made["payment_method"]) == (
        "requires_payment_method",
        customer["id"],
        None,
    )
    assert made["client_secret"].startswith(f"{made['id']}_secret_")
    again = await api.send("POST", f"{path}/setup-intent", body, headers=key)
    assert (again.headers["Idempotent-Replayed"], again.headers["Cache-Control"]) == ("true", "no-store")
    assert again.json() == made
    assert made["client_secret"] not in json.dumps([dict(row) for row in await stage.rows(
        "SELECT id::text, params::text, progress::text, answer_body FROM operations"
    )])  # fmt: skip
    at_stripe = f"setup_intents/{made['id']}/confirm"
    await stage.dashboard(at_stripe, payment_method="pm_card_visa_chargeDeclined", return_url="https://shop.example/")
    failed, read = await stage.event("setup_intent.setup_failed"), f"{path}/setup-intent/{made['id']}"
    await stage.tell(failed)
    shown = await api.get(read)
    assert (shown["failure_code"], shown["failure_decline_code"]) == ("card_declined", "generic_decline")
    await stage.dashboard(at_stripe, payment_method="pm_card_visa", return_url="https://shop.example/")
    succeeded = await stage.event("setup_intent.succeeded")
    await stage.tell(succeeded)
    [method] = await api.every(f"{path}/payment-methods")
    shown = await api.get(read)
    assert (shown["status"], shown["payment_method"], shown["failure_code"]) == ("succeeded", method["id"], None)
    await stage.tell(failed | {"id": "evt_late", "created": succeeded["created"] + 60})
    assert await api.get(read) == shown  # what ended does not change any more
    again = await api.send("POST", f"{path}/setup-intent", body, headers=key)
    assert again.json()["client_secret"] is None  # there is nothing left to confirm


async def test_a_setup_intent_without_a_customer_is_nobodys(stage: Stage) -> None:
    await stage.dashboard(
        "setup_intents", payment_method="pm_card_visa", confirm="true", return_url="https://shop.example/"
    )
    event = await stage.event("setup_intent.succeeded")
    await stage.tell(event)
    row = await stage.row("webhook_events", event["id"])
    assert (row or {})["status"] == "ignored"
    assert await stage.rows("SELECT * FROM payment_methods") == []


async def test_what_nobody_told_of_is_found_and_what_is_gone_is_too(stage: Stage, api: Caller) -> None:
    customer = await api.customer()
    path = f"/v1/customers/{customer['id']}/payment-methods"
    attach = "payment_methods/pm_card_visa/attach"
    made = [await stage.dashboard(attach, customer=customer["id"]) for _ in range(2)]
    await stage.dashboard("payment_methods", type="card", **{"card[token]": "tok_visa"})  # which is nobody's yet
    repairing = stage.container.repairing()
    assert set(await repairing.repair()) == {one["id"] for one in made}
    assert {one["id"] for one in await api.every(path)} == {one["id"] for one in made}
    await stage.dashboard(f"payment_methods/{made[0]['id']}/detach")
    assert await repairing.repair() == [made[0]["id"]]
    assert [one["id"] for one in await api.every(path)] == [made[1]["id"]]
    assert await repairing.repair() == []
    await stage.sandbox.fault("GET", "/v1/payment_methods", status=403)
    assert await repairing.repair() == []
    rebuilt = await stage.container.rebuilder().rebuild()
    assert {str(one) for one in rebuilt.differences if one.table.name == "payment_methods"} == {
        f"payment_methods {one['id']}: no event tells of it" for one in made
    }
    await stage.sandbox.clear_faults()
    await stage.tell(*await stage.events())
    rebuilt = await stage.container.rebuilder().rebuild()
    assert [str(one) for one in rebuilt.differences if one.table.name == "payment_methods"] == []


async def test_erasing_a_customer_erases_how_it_pays(stage: Stage, api: Caller) -> None:
    customer = await api.customer()
    path = f"/v1/customers/{customer['id']}"
    await api.post(f"{path}/payment-methods", {"payment_method": "pm_card_visa"})
    setup = await debit(stage, customer["id"])
    await stage.sandbox.mandate(setup["mandate"], "inactive")
    await stage.dashboard("payment_methods/pm_card_mastercard/attach", customer=customer["id"])
    late = await stage.event("payment_method.attached")
    await stage.tell(*[event for event in await stage.events() if event["id"] != late["id"]])
    await stage.dashboard(f"payment_methods/{late['data']['object']['id']}/detach")
    await api.delete(path)
    await stage.tell(late)  # it comes when nothing may be known any more
    await stage.container.documents().scrub()
    await erasure.sweep(stage.container.database)
    rows = await stage.rows("SELECT brand, last4, exp_month, exp_year, document FROM payment_methods")
    assert len(rows) == 3
    for row in rows:
        assert [row[name] for name in ("brand", "last4", "exp_month", "exp_year")] == [None] * 4
        assert '"4242"' not in row["document"]
    payloads = await stage.rows(
        "SELECT type, payload FROM webhook_events WHERE type LIKE 'payment_method%' OR type LIKE 'setup_intent%' "
        "OR type LIKE 'mandate%'"
    )
    assert {row["type"] for row in payloads} >= {"payment_method.attached", "setup_intent.succeeded", "mandate.updated"}
    for row in payloads:
        for private in ('"4242"', '"4444"', '"6789"', '"visa"', "fingerprint", "Jenny"):
            assert private not in row["payload"], (row["type"], private)
