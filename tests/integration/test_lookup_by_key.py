"""What became of a step is asked of Stripe's events by its key: the event must be of the step's own type and object."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox
from tests.integration.test_completing import AGED, KEY, api, connection, no_pauses, operation, wanted

__all__ = ["api", "connection", "no_pauses"]

MakeApp = Callable[..., Awaitable[Caller]]
CUSTOMER = {"name": "Jenny", "payment_method": "pm_card_visa", "reference": "c-1"}


async def test_a_customer_made_with_a_card_is_found_behind_a_stored_500(api: Caller, sandbox: Sandbox) -> None:
    await sandbox.fault("POST", "/v1/customers", status=500, executes=True, stored=True, times=1)
    made = await api.post("/v1/customers", CUSTOMER, headers=KEY)
    assert [it["id"] for it in (await sandbox.state())["customer"]] == [made["id"]]
    problem = await api.refused("POST", "/v1/customers", 409, "reference_taken", CUSTOMER)
    assert problem["existing"] == made["id"]


async def test_a_customer_made_with_a_card_is_found_a_day_later(api: Caller, sandbox: Sandbox, connection: Any) -> None:
    await sandbox.fault("POST", "/v1/customers", kind="drop_response")
    await api.refused("POST", "/v1/customers", 503, "stripe_unavailable", CUSTOMER, headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, "23 hours 30 minutes")
    made = await api.post("/v1/customers", CUSTOMER, headers=KEY)
    assert [it["id"] for it in (await sandbox.state())["customer"]] == [made["id"]]


async def interrupted_draft(api: Caller, sandbox: Sandbox) -> Any:
    """The body of a create whose draft was made at Stripe, while its answer was lost."""
    body = await wanted(api)
    await sandbox.fault("POST", "/v1/invoices", kind="drop_response")
    await api.refused("POST", "/v1/invoices", 503, "stripe_unavailable", body, headers=KEY)
    await sandbox.clear_faults()
    return body


async def test_a_draft_is_found_and_undone_behind_many_events_of_other_types(
    api: Caller, sandbox: Sandbox, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.idempotency.steps.MOST_EVENTS", 2)
    body = await interrupted_draft(api, sandbox)
    for _ in range(3):
        await api.customer()
    await sandbox.fault("POST", "/v1/invoices/*/add_lines", status=500)
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    assert not (await sandbox.state()).get("invoice")
    await sandbox.clear_faults()
    await api.refused("POST", "/v1/invoices", 502, "stripe_error", body, headers=KEY)
    await api.post("/v1/invoices", body, headers={"Idempotency-Key": "two"})


@pytest.mark.parametrize(("age", "answered"), [("61 minutes", False), ("24 hours", True)])
async def test_an_undo_that_cannot_be_told_among_too_many_events_ends_after_a_day(
    api: Caller,
    sandbox: Sandbox,
    connection: Any,
    monkeypatch: pytest.MonkeyPatch,
    age: str,
    answered: bool,  # noqa: FBT001
) -> None:
    body = await interrupted_draft(api, sandbox)
    for _ in range(2):
        await api.draft()
    monkeypatch.setattr("app.idempotency.steps.MOST_EVENTS", 1)
    await connection.execute("UPDATE operations SET locked_until = now() WHERE answered_at IS NULL")
    await connection.execute(AGED, age)
    assert await api.container.completer().run_once() == 1
    open_ones = await connection.fetchval("SELECT count(*) FROM operations WHERE answered_at IS NULL")
    assert (open_ones == 0) is answered
    if answered:
        problem = await api.refused("POST", "/v1/invoices", 502, "stripe_error", body, headers=KEY)
        assert "cannot be told" in problem["detail"]
        await api.post("/v1/invoices", body, headers={"Idempotency-Key": "two"})  # the reference is free


async def test_a_change_is_searched_by_the_types_that_it_leads_to(
    api: Caller, sandbox: Sandbox, connection: Any
) -> None:
    path = f"/v1/invoices/{(await api.open())['id']}/void"
    await sandbox.fault("POST", "/v1/invoices/*/void", kind="drop_request")
    await api.refused("POST", path, 503, "stripe_unavailable", headers=KEY)
    await sandbox.clear_faults()
    await connection.execute(AGED, "61 minutes")
    assert await api.container.completer().run_once() == 1
    [search] = await sandbox.requests(path="/v1/events")
    assert search["params"]["types"] == ["invoice.voided"]
    assert (await operation(connection))["answered_at"]
