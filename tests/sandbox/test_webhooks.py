"""Deliveries: signed, retried, held, repeated, reordered, dropped; endpoints and their secrets."""

import json
import time
from collections.abc import Iterator

import pytest
import stripe

from offline_stripe.accounts import Account
from offline_stripe.settings import SandboxConfig
from offline_stripe.wire.keys import RestrictedKeys
from tests.sandbox.conftest import SECRET, Drafting
from tests.sandbox.process import RunningSandbox
from tests.sandbox.receiver import Receiver


@pytest.fixture
def second(box: RunningSandbox) -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def make(box: RunningSandbox, count: int = 1) -> list[str]:
    return [box.v1.products.create({"name": f"W{number}"}).id for number in range(count)]


def test_a_delivery_is_signed_as_stripe_signs(box: RunningSandbox, hook: Receiver) -> None:
    make(box)
    box.idle()
    event = stripe.Webhook.construct_event(hook.bodies[0], hook.headers[0]["stripe-signature"], SECRET)
    assert (event.type, isinstance(event.data.object, stripe.Product)) == ("product.created", True)
    assert hook.headers[0]["content-type"] == "application/json; charset=utf-8"
    assert hook.headers[0]["user-agent"].startswith("Stripe/1.0")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(hook.bodies[0] + b" ", hook.headers[0]["stripe-signature"], SECRET)


def test_a_body_is_pretty_printed_and_equals_the_event(box: RunningSandbox, hook: Receiver) -> None:
    make(box)
    box.idle()
    body = hook.bodies[0].decode()
    assert body.startswith('{\n  "id": "evt_')
    event = json.loads(body)
    (stored,) = box.get("/v1/events").json()["data"]
    assert {**event, "pending_webhooks": 0} == stored
    assert event["pending_webhooks"] == 1


def test_the_signature_uses_real_time_whatever_the_virtual_clock_says(box: RunningSandbox, hook: Receiver) -> None:
    box.advance(86_400)
    make(box)
    box.idle()
    window = int(hook.headers[0]["stripe-signature"].split(",")[0].removeprefix("t="))
    assert abs(window - time.time()) < 60
    assert hook.events[0]["created"] > time.time() + 80_000


def test_every_event_of_a_payment_arrives(box: RunningSandbox, hook: Receiver, opened: Drafting) -> None:
    box.v1.invoices.pay(opened().id, {"payment_method": "pm_card_visa"})
    box.idle()
    assert sorted(hook.types) == sorted(box.event_types())
    assert len({event["id"] for event in hook.events}) == len(hook.events)


def test_a_failed_delivery_is_retried_until_2xx(box: RunningSandbox, hook: Receiver) -> None:
    box.switch(retry_base_s=0.05)
    hook.answers = [500, 302, 404]
    make(box)
    box.idle(retries="true")
    attempts = box.control("GET", "webhooks/attempts")["attempts"]
    assert [(entry["attempt"], entry["status"]) for entry in attempts] == [(1, 500), (2, 302), (3, 404), (4, 200)]
    assert len({event["id"] for event in hook.events}) == 1
    assert box.v1.events.list().data[0].pending_webhooks == 0


def test_retries_follow_the_virtual_clock_and_double(box: RunningSandbox, hook: Receiver) -> None:
    box.switch(retry_base_s=1000)
    hook.answers = [500] * 3
    make(box)
    box.idle()
    for advance, attempts in ((990, 1), (20, 2), (1990, 2), (20, 3)):
        box.advance(advance)
        box.idle()
        assert len(hook.bodies) == attempts, advance


def test_retries_end_after_three_days_and_can_be_asked_for(box: RunningSandbox, hook: Receiver) -> None:
    box.switch(retry_base_s=200_000)
    hook.answers = [500, 500]
    make(box)
    box.idle()
    box.advance(200_001)
    box.idle()
    assert box.control("GET", "webhooks/pending") == {"pending": 0, "in_flight": 0, "held": 0, "retrying": 0}
    assert [event.id for event in box.v1.events.list({"delivery_success": False}).data] == [hook.events[0]["id"]]
    assert box.control("POST", "webhooks/retry") == {"retried": 1}
    box.idle()
    assert len(hook.bodies) == 3
    assert box.v1.events.list({"delivery_success": False}).data == []


def test_an_endpoint_that_is_down_costs_nobody_an_event(box: RunningSandbox) -> None:
    box.control("POST", "webhooks/endpoint", url="http://127.0.0.1:9/down", secret=SECRET)
    make(box)
    box.idle()
    (attempt,) = box.control("GET", "webhooks/attempts")["attempts"]
    assert (attempt["status"], attempt["error"]) == (None, "ClientConnectorError")
    assert box.control("GET", "webhooks/pending")["retrying"] == 1


def test_a_slow_endpoint_times_out(box: RunningSandbox, hook: Receiver) -> None:
    box.switch(delivery_timeout_s=0.1)
    hook.hold()
    make(box)
    box.idle()
    hook.let_go()
    (attempt,) = box.control("GET", "webhooks/attempts")["attempts"]
    assert (attempt["status"], attempt["error"]) == (None, "timed out")


def test_deliveries_run_side_by_side_but_at_most_sixteen(box: RunningSandbox, hook: Receiver) -> None:
    hook.hold()
    make(box, 20)
    while box.control("GET", "webhooks/pending")["in_flight"] < 16 or hook.busiest < 16:
        time.sleep(0.01)  # the receiver's threads are filling up
    assert box.control("GET", "webhooks/pending") == {"pending": 4, "in_flight": 16, "held": 0, "retrying": 0}
    hook.let_go()
    box.idle()
    assert (len(hook.bodies), hook.busiest) == (20, 16)


def test_idle_says_when_it_was_not_reached(box: RunningSandbox, hook: Receiver) -> None:
    hook.hold()
    make(box)
    assert box.control("GET", "webhooks/idle", timeout_s=0.1)["idle"] is False
    hook.let_go()
    box.idle()


# Misbehaviour on request


@pytest.mark.parametrize("order", ["given", "reversed"])
def test_held_events_wait_and_are_released_in_order(box: RunningSandbox, hook: Receiver, order: str) -> None:
    box.control("POST", "webhooks/mode", hold=True)
    products = make(box, 4)
    box.control("POST", "webhooks/mode", hold=False)
    assert (hook.bodies, box.control("GET", "webhooks/pending")["held"]) == ([], 4)
    released = box.control("POST", "webhooks/release", order=order)
    assert (released["released"], released["accepted"]) == (4, 4)
    seen = [event["data"]["object"]["id"] for event in hook.events]
    assert seen == (products if order == "given" else products[::-1])


def test_a_shuffled_release_is_reproducible_by_its_seed(box: RunningSandbox, hook: Receiver) -> None:
    orders = []
    for _ in range(2):
        box.control("POST", "webhooks/mode", hold=True)
        products = make(box, 6)
        hook.bodies.clear()
        box.control("POST", "webhooks/release", order="shuffled", seed=3)
        orders.append([products.index(event["data"]["object"]["id"]) for event in hook.events])
    assert orders[0] == orders[1] != sorted(orders[0])


def test_duplicates_are_extra_deliveries_of_the_same_event(box: RunningSandbox, hook: Receiver) -> None:
    box.control("POST", "webhooks/mode", duplicate=2)
    make(box)
    box.idle()
    assert len(hook.bodies) == 3
    assert len(set(hook.bodies)) == 1
    assert box.v1.events.list().data[0].pending_webhooks == 0


def test_shuffled_deliveries_arrive_out_of_order(box: RunningSandbox, hook: Receiver) -> None:
    box.control("POST", "webhooks/mode", shuffle=True, shuffle_ms=3_600_000, seed=1)
    products = make(box, 12)
    box.advance(3600)
    box.idle()
    seen = [event["data"]["object"]["id"] for event in hook.events]
    assert sorted(seen) == sorted(products)
    assert seen != products


def test_dropped_events_are_found_through_the_events_api_only(box: RunningSandbox, hook: Receiver) -> None:
    box.control("POST", "webhooks/mode", drop=1)
    make(box)
    box.idle()
    assert hook.bodies == []
    assert len(box.v1.events.list({"delivery_success": False}).data) == 1
    box.control("POST", "webhooks/mode", drop=0)
    box.control("POST", "webhooks/retry")
    box.idle()
    assert len(hook.bodies) == 1


def test_delayed_deliveries_wait(box: RunningSandbox, hook: Receiver) -> None:
    box.control("POST", "webhooks/mode", delay_ms=60_000)
    make(box)
    assert box.control("GET", "webhooks/pending")["pending"] == 1
    box.control("POST", "clock", advance_s=61)
    box.idle()
    assert len(hook.bodies) == 1


def test_an_unknown_mode_is_refused(box: RunningSandbox) -> None:
    assert box.http.post("/_sandbox/webhooks/mode", json={"chaos": True}).status_code == 400


# Endpoints and secrets


def test_an_endpoint_made_through_the_api_gets_only_what_it_asked_for(
    box: RunningSandbox, hook: Receiver, second: Receiver
) -> None:
    endpoint = box.v1.webhook_endpoints.create(
        {"url": second.url, "enabled_events": ["customer.created"], "api_version": "2026-10-28.endive"}
    )
    assert endpoint.secret is not None
    make(box)
    customer = box.v1.customers.create({})
    box.idle()
    assert (sorted(hook.types), second.types) == (["customer.created", "product.created"], ["customer.created"])
    event = stripe.Webhook.construct_event(second.bodies[0], second.headers[0]["stripe-signature"], endpoint.secret)
    assert event.data.object.id == customer.id
    assert event.pending_webhooks == 2


def test_an_endpoints_secret_is_shown_once(box: RunningSandbox) -> None:
    made = box.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/x", "enabled_events": ["*"]})
    assert str(made.secret).startswith("whsec_")
    assert "secret" not in box.v1.webhook_endpoints.retrieve(made.id)
    assert "whsec_" not in json.dumps(box.control("GET", "state"))


def test_a_disabled_or_deleted_endpoint_gets_nothing(box: RunningSandbox, second: Receiver) -> None:
    endpoint = box.v1.webhook_endpoints.create({"url": second.url, "enabled_events": ["*"]})
    assert box.v1.webhook_endpoints.update(endpoint.id, {"disabled": True}).status == "disabled"
    make(box)
    box.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    make(box)
    box.idle()
    assert len(second.bodies) == 1
    assert box.v1.webhook_endpoints.delete(endpoint.id).deleted is True
    make(box)
    box.idle()
    assert len(second.bodies) == 1


@pytest.mark.parametrize(
    "sent",
    [
        "url=nonsense&enabled_events[]=*",
        "url=http://x.example&enabled_events[]=invoice.nonsense",
        "url=http://x.example&enabled_events[]=*&api_version=2020-08-27",
    ],
)
def test_a_bad_endpoint_is_refused(box: RunningSandbox, sent: str) -> None:
    assert box.post("/v1/webhook_endpoints", sent).status_code == 400


def test_a_rolled_secret_signs_beside_the_old_one_for_a_while(box: RunningSandbox, hook: Receiver) -> None:
    rolled = box.control("POST", "webhooks/roll_secret", overlap_s=3600)
    make(box)
    box.idle()
    header = hook.headers[0]["stripe-signature"]
    assert (header.count("v1="), header.count("v0=")) == (2, 1)
    for secret in (SECRET, rolled["secret"]):
        stripe.WebhookSignature.verify_header(hook.bodies[0].decode(), header, secret, 300)
    box.advance(3601)
    make(box)
    box.idle()
    assert hook.headers[1]["stripe-signature"].count("v1=") == 1


def test_an_endpoint_can_be_replaced_at_run_time(box: RunningSandbox, hook: Receiver, second: Receiver) -> None:
    made = box.control("POST", "webhooks/endpoint", url=second.url, replace=True)
    make(box)
    box.idle()
    assert (hook.bodies, len(second.bodies)) == ([], 1)
    stripe.Webhook.construct_event(second.bodies[0], second.headers[0]["stripe-signature"], made["secret"])
    assert [entry["url"] for entry in box.control("GET", "webhooks/endpoint")["endpoints"]] == [second.url]


async def test_a_delivery_that_a_reset_ends_before_it_began_is_not_waited_for() -> None:
    account = Account(SandboxConfig(), RestrictedKeys())
    await account.start()
    database = account.store.database
    with database.writing():
        database.execute(
            "INSERT INTO deliveries (event, endpoint, state, created_at, due_at) VALUES ('evt_1', 'we_1', 'pending', 0, 0)"
        )
    account.deliveries._launch_due()
    assert account.deliveries.waiting()["in_flight"] == 1
    await account.reset()
    assert account.deliveries.waiting()["in_flight"] == 0
    await account.stop()
