"""What nobody asks for again: finished by the completer, or undone."""

import ast
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import time_machine

from app.container import built
from app.idempotency.operations import use_cases
from tests.fixtures.caller import Caller
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox

Json = dict[str, Any]
MakeApp = Callable[..., Awaitable[Caller]]
KEY = {"Idempotency-Key": "one"}
AGED = "UPDATE operations SET locked_until = now() - interval '1 hour', created_at = created_at - $1::text::interval"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.stripe.client.BACKOFF_S", 0.01)


@pytest.fixture
async def api(make_app: MakeApp, sandbox: Sandbox) -> Caller:
    await sandbox.mode(hold=True)
    return await make_app(stripe_circuit_failures=10_000)


@pytest.fixture
async def connection(database: Database) -> Any:
    opened = await database.connect()
    yield opened
    await opened.close()


async def wanted(api: Caller) -> Json:
    items = [{"amount": 100, "currency": "usd", "description": "x"}]
    return {"customer": (await api.customer())["id"], "days_until_due": 3, "items": items, "reference": "order-1"}


async def operation(connection: "asyncpg.Connection[asyncpg.Record]") -> Json:
    found = await connection.fetchrow("SELECT * FROM operations ORDER BY created_at DESC LIMIT 1")
    return dict(found) if found else {}


async def test_a_keyed_request_that_was_interrupted_is_finished_and_its_retry_replays_it(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    body = await wanted(api)
    await sandbox.fault("POST", "/v1/invoices/*/add_lines", kind="drop_request")
    await api.refused("POST", "/v1/invoices", 503, "stripe_unavailable", body, headers=KEY)
    assert await api.container.completer().run_once() == 0  # the caller has the first chance
    await connection.execute(AGED, "0")
    assert await api.container.completer().run_once() == 1
    assert "StripeUnavailable" in (await operation(connection))["last_error"]
    await sandbox.clear_faults()
    await connection.execute(AGED, "0")
    with time_machine.travel(timedelta(hours=2), tick=True):  # on a machine whose clock is wrong
        assert await api.container.completer().run_once() == 1
    answer = await api.send("POST", "/v1/invoices", body, headers=KEY)
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert len(answer.json()["items"]) == 1
    assert len((await sandbox.state())["invoice"]) == 1


@pytest.mark.parametrize("struck", ["/v1/invoices", "/v1/invoices/*/add_lines"])
async def test_a_draft_whose_caller_sent_no_key_is_deleted(
    api: Caller, sandbox: Sandbox, connection: Any, struck: str
) -> None:
    body = await wanted(api)
    await sandbox.fault("POST", struck, kind="drop_response")
    await api.refused("POST", "/v1/invoices", 503, "stripe_unavailable", body)
    await sandbox.clear_faults()
    assert (await sandbox.state())["invoice"]
    await connection.execute(AGED, "0")
    assert await api.container.completer().run_once() == 1
    assert not (await sandbox.state()).get("invoice")
    assert (await operation(connection))["answered_at"]
    assert (await api.post("/v1/invoices", body))["reference"] == "order-1"


async def test_what_cannot_be_finished_within_the_hour_is_undone_and_says_so(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    body = await wanted(api)
    await sandbox.fault("POST", "/v1/invoices/*/add_lines", status=500)
    await api.refused("POST", "/v1/invoices", 502, "stripe_error", body, headers=KEY)
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    assert not (await sandbox.state()).get("invoice")
    answer = await api.send("POST", "/v1/invoices", body, headers=KEY)
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (502, "true")
    await sandbox.clear_faults()
    await api.post("/v1/invoices", body, headers={"Idempotency-Key": "two"})


async def outage_during(
    api: Caller, sandbox: Sandbox, connection: Any, method: str, path: str, body: Json | None
) -> Any:
    """Ask, have every answer of Stripe's lost, and let the completer close it after the hour; the caller's next try."""
    await sandbox.fault(method, "/v1/*", kind="drop_response")
    await api.refused(method, path, 503, "stripe_unavailable", body, headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    answer = await api.send(method, path, body, headers=KEY)
    assert answer.headers["Idempotent-Replayed"] == "true"
    return answer


@pytest.mark.parametrize("act", ["pay", "void", "mark-uncollectible", "finalize", "send"])
async def test_what_was_done_in_an_outage_of_more_than_an_hour_is_answered_as_done(
    api: Caller, sandbox: Sandbox, connection: Any, act: str
) -> None:
    invoice = await (api.draft() if act == "finalize" else api.open())
    body = {"payment_method": "pm_card_visa"} if act == "pay" else None
    answer = await outage_during(api, sandbox, connection, "POST", f"/v1/invoices/{invoice['id']}/{act}", body)
    assert answer.status_code == 200, answer.text
    [there] = (await sandbox.state())["invoice"]
    assert answer.json()["status"] == there["status"]


async def test_a_finalized_invoice_that_an_outage_hid_is_the_answer_to_its_create(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    body = await wanted(api) | {"finalize": True}
    await sandbox.fault("POST", "/v1/invoices/*/finalize", kind="drop_response")
    await api.refused("POST", "/v1/invoices", 503, "stripe_unavailable", body, headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    answer = await api.send("POST", "/v1/invoices", body, headers=KEY)
    assert (answer.status_code, answer.json()["status"]) == (201, "open")
    assert [it["id"] for it in (await sandbox.state())["invoice"]] == [answer.json()["id"]]


async def test_a_decline_that_an_outage_hid_is_answered_as_the_decline(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    path = f"/v1/invoices/{(await api.open())['id']}/pay"
    declined = {"payment_method": "pm_card_visa_chargeDeclined"}
    answer = await outage_during(api, sandbox, connection, "POST", path, declined)
    assert (answer.status_code, answer.json()["code"]) == (402, "payment_failed")
    assert answer.json()["stripe"]["decline_code"] == "generic_decline"


async def test_a_bank_debit_that_an_outage_hid_is_answered_as_under_way(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    path = f"/v1/invoices/{(await api.open())['id']}/pay"
    answer = await outage_during(api, sandbox, connection, "POST", path, {"payment_method": "pm_usBankAccount_success"})
    assert (answer.status_code, answer.json()["status"]) == (200, "open")


async def test_a_payment_that_never_reached_stripe_is_refused_after_the_hour_and_never_made(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    path, body = f"/v1/invoices/{(await api.open())['id']}/pay", {"payment_method": "pm_card_visa"}
    await sandbox.fault("POST", "/v1/invoices/*/pay", kind="drop_request")
    await api.refused("POST", path, 503, "stripe_unavailable", body, headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    problem = await api.refused("POST", path, 502, "stripe_error", body, headers=KEY)
    assert "nothing was done at Stripe" in problem["detail"]
    assert not (await sandbox.state()).get("charge")


@pytest.mark.parametrize(("age", "answered"), [("61 minutes", False), ("24 hours", True)])
async def test_what_cannot_be_told_among_too_many_events_is_said_so_after_a_day(
    api: Caller,
    sandbox: Sandbox,
    connection: Any,
    monkeypatch: pytest.MonkeyPatch,
    age: str,
    answered: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr("app.idempotency.steps.MOST_EVENTS", 1)
    path, body = f"/v1/invoices/{(await api.open())['id']}/pay", {"payment_method": "pm_card_visa"}
    await sandbox.fault("POST", "/v1/invoices/*/pay", kind="drop_request")
    await api.refused("POST", path, 503, "stripe_unavailable", body, headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, age)
    assert await api.container.completer().run_once() == 1
    assert ((await operation(connection))["answered_at"] is not None) is answered
    if answered:
        assert "cannot be told" in (await api.refused("POST", path, 502, "stripe_error", body, headers=KEY))["detail"]


async def test_a_draft_is_undone_however_many_events_there_are(
    api: Caller, sandbox: Sandbox, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.idempotency.steps.MOST_EVENTS", 1)
    body = await wanted(api)
    await sandbox.fault("POST", "/v1/invoices/*/add_lines", kind="drop_request")
    await api.refused("POST", "/v1/invoices", 503, "stripe_unavailable", body, headers=KEY)
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    assert not (await sandbox.state()).get("invoice")


async def test_while_stripe_is_away_nothing_is_said_of_what_became_of_a_payment(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    path, body = f"/v1/invoices/{(await api.open())['id']}/pay", {"payment_method": "pm_card_visa"}
    await sandbox.fault("*", "/v1/*", kind="drop_response")
    await api.refused("POST", path, 503, "stripe_unavailable", body, headers=KEY)
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    assert (await operation(connection))["answered_at"] is None


@pytest.mark.parametrize("reached", [True, False], ids=["deleted", "not deleted"])
async def test_a_deletion_is_looked_up_after_the_hour_and_not_done_any_more(
    api: Caller, sandbox: Sandbox, connection: Any, *, reached: bool
) -> None:
    path = f"/v1/customers/{(await api.customer())['id']}"
    await sandbox.fault("DELETE", "/v1/*", kind="drop_response" if reached else "drop_request")
    await api.refused("DELETE", path, 503, "stripe_unavailable", headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    assert (await api.send("DELETE", path, headers=KEY)).status_code == (200 if reached else 502)
    assert (await sandbox.dashboard.get(path)).json().get("deleted", False) is reached


async def test_a_refusal_outlives_a_clean_up_that_was_interrupted(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    body = await wanted(api) | {"items": [{"price": "price_unknown", "quantity": 1}]}
    await sandbox.fault("DELETE", "/v1/invoices/*", kind="drop_response")
    await api.refused("POST", "/v1/invoices", 503, "stripe_unavailable", body, headers=KEY)
    await sandbox.clear_faults()
    problem = await api.refused("POST", "/v1/invoices", 422, "stripe_invalid_request", body, headers=KEY)
    assert "price_unknown" in problem["detail"]
    assert not (await sandbox.state()).get("invoice")


async def test_an_interrupted_deletion_is_finished(api: Caller, sandbox: Sandbox, connection: Any) -> None:
    draft = await api.draft()
    item = draft["items"][0]["id"]
    for method, path in (
        ("DELETE", f"/v1/invoices/{draft['id']}/items/{item}"),
        ("DELETE", f"/v1/invoices/{draft['id']}"),
    ):
        await sandbox.fault("*", f"/v1/invoices/{draft['id']}*", kind="drop_response")
        headers = {"Idempotency-Key": path}
        await api.refused(method, path, 503, "stripe_unavailable", headers=headers)
        await sandbox.clear_faults()
        await connection.execute(AGED, "0")
        assert await api.container.completer().run_once() == 1
        answer = await api.send(method, path, headers=headers)
        assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")


async def test_one_operations_fault_does_not_stop_the_others(api: Caller, sandbox: Sandbox, connection: Any) -> None:
    await sandbox.fault("POST", "/v1/products", kind="drop_response")
    for name in ("a", "b"):
        headers = {"Idempotency-Key": name}
        await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": name}, headers=headers)
    await sandbox.clear_faults()
    await connection.execute("UPDATE operations SET params = '{}' WHERE idempotency_key = 'a'")
    await connection.execute(AGED, "0")
    assert await api.container.completer().run_once() == 2
    answered = await connection.fetch("SELECT idempotency_key FROM operations WHERE answered_at IS NOT NULL")
    assert "b" in {row[0] for row in answered}


async def test_two_completers_do_not_take_the_same_operation(api: Caller, sandbox: Sandbox, connection: Any) -> None:
    await sandbox.fault("POST", "/v1/products", kind="drop_response")
    await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": "x"}, headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, "0")
    async with built(api.container.settings) as other:
        found = [await one.completer().run_once() for one in (api.container, other)]
    assert found == [1, 0]


async def test_a_local_change_that_was_interrupted_is_absent_and_forgotten(api: Caller, connection: Any) -> None:
    invoice = await api.open()
    await api.post(f"/v1/invoices/{invoice['id']}/payment-link", headers=KEY)
    await connection.execute(
        "UPDATE operations SET answered_at = NULL, answer_status = NULL WHERE idempotency_key = 'one'"
    )
    await connection.execute(AGED, "0")
    assert await api.container.completer().run_once() == 1
    assert not await connection.fetchval("SELECT count(*) FROM operations WHERE idempotency_key = 'one'")


async def test_an_operation_that_another_release_began_is_left_alone(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    await sandbox.fault("POST", "/v1/products", kind="drop_response")
    await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": "x"}, headers=KEY)
    await sandbox.clear_faults()
    await connection.execute("UPDATE operations SET name = 'create_subscription'")
    await connection.execute(AGED, "0")
    before = await operation(connection)
    assert await api.container.completer().run_once() == 0
    assert await operation(connection) == before
    await connection.execute("UPDATE operations SET name = 'create_product'")
    await api.post("/v1/products", {"name": "x"}, headers=KEY)
    assert len((await sandbox.state())["product"]) == 1


CALLED_BY_PAGES = {"apply_promotion_code", "begin_part_payment"}
CALLED_BY_CONSOLE = {"remind_invoice"}


def test_every_operation_can_be_completed_or_is_local(api: Caller) -> None:
    """Each use case that a route names (`catalog.create_product`) is known to the completer."""
    called = set()
    for path in Path("app").rglob("*routes.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="write")),
                    args=[ast.Attribute(value=ast.Name(id=service), attr=name), *_],
                ):
                    called.add((service, name))
    names, local = {name for _, name in called}, {*api.container.use_cases(at_stripe=False)}
    assert names - local == {*api.container.use_cases(at_stripe=True)} - CALLED_BY_PAGES
    assert local - CALLED_BY_CONSOLE <= names
    services = (*vars(api.container).values(), api.container.reminders())
    found = [name for service in services for name in use_cases(service)]
    assert len(found) == len(set(found))  # an operation is stored under the name alone
