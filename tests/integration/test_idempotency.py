"""The contract of `Idempotency-Key`, through the API."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.container import Container
from app.domain.idempotency import RETENTION
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Call, Operation
from app.retention import purge_operations
from tests.fixtures.caller import Caller
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox

Json = dict[str, Any]
KEY = {"Idempotency-Key": "order-1042"}
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
def container(app: FastAPI) -> Container:
    found: Container = app.state.container
    return found


async def executed(sandbox: Sandbox, path: str = "*", method: str = "POST") -> list[Json]:
    """The calls that Stripe executed, replays and refusals before execution left out."""
    return [one for one in await sandbox.requests(method=method, path=path) if one["executed"]]


async def operations(database: Database) -> list[Json]:
    connection = await database.connect()
    try:
        return [dict(row) for row in await connection.fetch("SELECT * FROM operations ORDER BY created_at")]
    finally:
        await connection.close()


async def run_sql(database: Database, statement: str, *arguments: Any) -> None:
    connection = await database.connect()
    try:
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


async def test_the_first_answer_is_replayed_and_stripe_is_not_asked_again(api: Caller, sandbox: Sandbox) -> None:
    body = {"name": "Consulting"}
    first = await api.send("POST", "/v1/products", body, headers=KEY)
    again = await api.send("POST", "/v1/products", body, headers=KEY)
    assert again.status_code == first.status_code == 201
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await sandbox.requests(path="/v1/products")) == 1


async def test_a_refusal_is_replayed_as_well(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.open()
    body = {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"}
    path = f"/v1/invoices/{invoice['id']}/pay"
    first = await api.send("POST", path, body, headers=KEY)
    again = await api.send("POST", path, body, headers=KEY)
    assert (first.status_code, again.status_code) == (402, 402)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() | {"request_id": ""} == first.json() | {"request_id": ""}
    assert len(await executed(sandbox, f"/v1/invoices/{invoice['id']}/pay")) == 1


async def test_patch_and_delete_are_replayed(api: Caller, sandbox: Sandbox) -> None:
    product = await api.post("/v1/products", {"name": "Consulting"})
    path = f"/v1/products/{product['id']}"
    for method, body in (("PATCH", {"name": "Advice"}), ("DELETE", None)):
        headers = {"Idempotency-Key": method}
        first = await api.send(method, path, body, headers=headers)
        again = await api.send(method, path, body, headers=headers)
        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await executed(sandbox, path)) == len(await executed(sandbox, path, "DELETE")) == 1


@pytest.mark.parametrize(("path", "body"), [("/v1/products", {"name": "Other"}), ("/v1/customers", {"name": "Same"})])
async def test_the_same_key_for_another_request_is_a_mismatch(api: Caller, path: str, body: Json) -> None:
    await api.post("/v1/products", {"name": "Same"}, headers=KEY)
    await api.refused("POST", path, 422, "idempotency_mismatch", body, headers=KEY)


@pytest.mark.parametrize("key", ["", "k" * 256, "snow☃", "line\tbreak"])
async def test_a_key_that_is_none_is_refused(api: Caller, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    problem = await api.refused("POST", "/v1/products", 422, "validation_error", {"name": "x"}, headers=headers)
    assert problem["param"] == "Idempotency-Key"


async def test_while_the_first_runs_others_are_told_to_come_back(
    api: Caller, sandbox: Sandbox, eventually: Eventually
) -> None:
    await sandbox.fault("POST", "/v1/products", kind="slow", delay_ms=400, times=1)
    first = asyncio.create_task(api.send("POST", "/v1/products", {"name": "x"}, headers=KEY))
    await eventually(lambda: sandbox.requests(path="/v1/products"))
    problem = await api.refused("POST", "/v1/products", 409, "idempotency_in_progress", {"name": "x"}, headers=KEY)
    assert problem["retry_after"] >= 1
    await api.refused("POST", "/v1/products", 422, "idempotency_mismatch", {"name": "y"}, headers=KEY)
    answer = await first
    again = await api.send("POST", "/v1/products", {"name": "x"}, headers=KEY)
    assert again.json() == answer.json()


async def test_of_many_at_once_one_runs(api: Caller, sandbox: Sandbox) -> None:
    answers = await asyncio.gather(*(api.send("POST", "/v1/products", {"name": "x"}, headers=KEY) for _ in range(12)))
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(await executed(sandbox, "/v1/products")) == 1


async def test_keys_are_scoped_to_the_caller(container: Container) -> None:
    calls = [Call(name, "POST /v1/products", {"name": "x"}, key="same") for name in ("one", "other")]
    answers = [await container.operations.run(call, container.catalog.create_product) for call in calls]
    assert answers[0].body != answers[1].body


async def test_without_a_key_every_request_is_one_of_its_own(api: Caller, database: Database) -> None:
    made = [await api.post("/v1/products", {"name": "x"}) for _ in range(2)]
    assert made[0]["id"] != made[1]["id"]
    assert [row["idempotency_key"] for row in await operations(database)] == [None, None]


async def test_a_client_secret_is_in_the_replay_and_not_in_the_database(api: Caller, database: Database) -> None:
    body = {"customer": (await api.customer())["id"], "days_until_due": 3, "finalize": True}
    body["items"] = [{"amount": 500, "currency": "usd", "description": "x"}]
    first = await api.post("/v1/invoices", body, headers=KEY)
    again = await api.send("POST", "/v1/invoices", body, headers=KEY)
    assert again.json() == first
    assert "_secret_" in first["client_secret"]
    assert again.headers["Cache-Control"] == "no-store"
    assert "_secret_" not in str(await operations(database))
    await api.post(f"/v1/invoices/{first['id']}/pay", {"payment_method": "pm_card_visa"})
    paid = await api.post("/v1/invoices", body, headers=KEY)
    assert paid == first | {"client_secret": None}


async def test_an_answer_of_unavailable_is_not_kept_and_the_retry_continues(
    api: Caller, sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.stripe.client.BACKOFF_S", 0.01)
    await sandbox.fault("POST", "/v1/products", kind="drop_response")
    await api.refused("POST", "/v1/products", 503, "stripe_unavailable", {"name": "x"}, headers=KEY)
    (left,) = await operations(database)
    assert left["answered_at"] is None
    assert "StripeUnavailable" in left["last_error"]
    await sandbox.clear_faults()
    made = await api.post("/v1/products", {"name": "x"}, headers=KEY)
    assert len(await executed(sandbox, "/v1/products")) == 1
    assert [one["id"] for one in (await sandbox.state())["product"]] == [made["id"]]
    (done,) = await operations(database)
    assert done["answered_at"]
    assert done["last_error"] is None


async def test_what_an_operation_broke_off_with_is_kept_without_personal_data(
    container: Container, database: Database
) -> None:
    async def breaks(operation: Operation, _params: JsonView) -> Answer:
        operation.touched = True
        raise RuntimeError("nobody is called jenny@mail.example\nbut one")

    with pytest.raises(RuntimeError):
        await container.operations.run(Call("one", "POST /v1/products", {}, key="same"), breaks)
    (left,) = await operations(database)
    assert left["last_error"] == "RuntimeError: nobody is called [redacted]"


async def test_what_never_reached_stripe_leaves_nothing_and_frees_its_key(
    api: Caller, sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.stripe.client.BACKOFF_S", 0.01)
    await sandbox.fault("POST", "/v1/products", status=429)
    body = {"name": "x", "reference": "sku-1"}
    await api.refused("POST", "/v1/products", 429, "rate_limited", body, headers=KEY)
    assert await operations(database) == []
    await sandbox.clear_faults()
    await api.post("/v1/products", body | {"name": "y"}, headers=KEY)


async def test_a_request_that_takes_too_long_ends_before_its_lease_and_is_continued(
    make_app: Callable[..., Awaitable[Caller]], sandbox: Sandbox
) -> None:
    api = await make_app(request_deadline_s=0.3)
    await sandbox.fault("POST", "/v1/products", kind="slow", delay_ms=700, times=1)
    await api.refused("POST", "/v1/products", 504, "stripe_timeout", {"name": "x"}, headers=KEY)
    await sandbox.idle()

    async def answered() -> Json | None:
        response = await api.send("POST", "/v1/products", {"name": "x"}, headers=KEY)
        return response.json() if response.is_success else None

    deadline = asyncio.get_running_loop().time() + 10
    while (made := await answered()) is None:
        assert asyncio.get_running_loop().time() < deadline
    assert [one["id"] for one in (await sandbox.state())["product"]] == [made["id"]]


async def test_answers_are_purged_after_their_retention_and_not_before(
    api: Caller, container: Container, database: Database
) -> None:
    first = await api.post("/v1/products", {"name": "x"}, headers=KEY)
    purge = purge_operations(container.database).work
    age = "UPDATE operations SET created_at = now() - $1::interval, answered_at = now() - $1::interval"
    await run_sql(database, age, RETENTION - timedelta(minutes=1))
    assert await purge() == 0
    assert await api.post("/v1/products", {"name": "x"}, headers=KEY) == first
    await run_sql(database, age, RETENTION + timedelta(minutes=1))
    assert await purge() == 1
    assert (await api.post("/v1/products", {"name": "x"}, headers=KEY))["id"] != first["id"]


async def test_what_is_not_answered_is_never_purged(api: Caller, container: Container, database: Database) -> None:
    await api.post("/v1/products", {"name": "x"}, headers=KEY)
    await run_sql(
        database,
        "UPDATE operations SET created_at = now() - interval '30 days', answered_at = NULL, answer_status = NULL",
    )
    assert await purge_operations(container.database).work() == 0


async def test_more_than_one_batch_is_purged_at_once(
    api: Caller, container: Container, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.retention.BATCH", 2)
    for _ in range(5):
        await api.post("/v1/products", {"name": "x"})
    await run_sql(
        database,
        "UPDATE operations SET created_at = now() - interval '3 days', answered_at = now() - interval '3 days'",
    )
    assert await purge_operations(container.database).work() == 5


async def test_a_time_that_has_passed_meanwhile_is_replayed_and_refused_to_who_asks_anew(api: Caller) -> None:
    opened, key = await api.open(), {"name": "x", "scopes": ["invoices:read"]}
    when = datetime.now(UTC) + timedelta(seconds=4)
    for again in (False, True):
        for path, field, body in (
            (f"/v1/invoices/{opened['id']}/payment-link", "expires_at", {}),
            ("/v1/api-keys", "expires_at", key),
            ("/v1/invoices", "due_at", {"customer": opened["customer"]}),
        ):
            asked = {**body, field: when.isoformat()}
            answer = await api.send("POST", path, asked, headers={"Idempotency-Key": path})
            assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, again)
            if again:
                problem = await api.refused(
                    "POST", path, 422, "validation_error", asked, headers={"Idempotency-Key": f"{path} 2"}
                )
                assert problem["param"] == field
        await asyncio.sleep(max(0.0, (when - datetime.now(UTC)).total_seconds() + 0.1))  # until that time has come


@pytest.mark.parametrize(
    ("due_at", "why"), [("2020-01-01T00:00:00Z", "in the future"), ("2099-01-01T00:00:00Z", "5 y")]
)
async def test_a_due_date_is_in_the_future_and_not_too_far(
    api: Caller, sandbox: Sandbox, due_at: str, why: str
) -> None:
    draft = await api.draft()
    for method, path, body in (
        ("POST", "/v1/invoices", {"customer": draft["customer"], "due_at": due_at, "reference": "r"}),
        ("PATCH", f"/v1/invoices/{draft['id']}", {"due_at": due_at}),
    ):
        problem = await api.refused(method, path, 422, "validation_error", body)
        assert (problem["param"], why in problem["detail"]) == ("due_at", True)
    assert len((await sandbox.state())["invoice"]) == 1
