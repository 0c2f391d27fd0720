"""A runner that slept through its lease does nothing any more: not at Stripe, and not to what its successor holds."""

import asyncio
from typing import Any

import pytest

from app.domain.errors import IdempotencyInProgress, StripeTimeout, StripeUnavailable
from app.domain.json import JsonView
from app.idempotency import lease
from app.idempotency.operations import Answer, Call, Operation
from app.stripe.mapping import Kind
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage

CUSTOMER = {"name": "Jenny", "reference": "r"}


def call(key: str) -> Call:
    return Call("somebody", "POST /v1/customers", CUSTOMER, key=key)


class Runner:
    """A create that stops behind its claim, until it is let go, and then does `then`."""

    def __init__(self, stage: Stage, then: Any = None) -> None:
        self._writer = stage.container.customers._writer
        self._then = then
        self.claimed = asyncio.Event()
        self.go = asyncio.Event()

    async def create_customer(self, operation: Operation, params: JsonView) -> Answer:
        await self._writer.claim_reference(operation, Kind.CUSTOMER, params)
        self.claimed.set()
        await self.go.wait()
        if self._then is None:
            raise StripeUnavailable("Stripe is away.")
        answer: Answer = await self._then(operation, params)
        return answer


async def expire(database: Database) -> None:
    connection = await database.connect()
    await connection.execute("UPDATE operations SET locked_until = now() - interval '1 second'")
    await connection.close()


async def a_late_release_keeps_the_successors_reference(stage: Stage, database: Database) -> None:
    """The lab breaks what this rests on (tests/lab/test_mutations.py)."""
    sleeper, successor = Runner(stage), Runner(stage)
    operations = stage.container.operations
    first = asyncio.create_task(operations.run(call("one"), sleeper.create_customer))
    await sleeper.claimed.wait()
    await expire(database)
    second = asyncio.create_task(operations.run(call("one"), successor.create_customer))
    await successor.claimed.wait()
    sleeper.go.set()
    with pytest.raises(StripeUnavailable):
        await first
    try:
        with pytest.raises(IdempotencyInProgress):
            await operations.run(call("two"), stage.container.customers.create_customer)
    finally:
        successor.go.set()
        with pytest.raises(StripeUnavailable):
            await second


async def test_a_late_release_keeps_the_successors_reference(stage: Stage, database: Database) -> None:
    await a_late_release_keeps_the_successors_reference(stage, database)


async def test_a_late_claim_is_none(stage: Stage, database: Database) -> None:
    """Its successor was refused, and freed what there was to free; a claim now would block the reference for ever."""
    begun, go = asyncio.Event(), asyncio.Event()
    late = Runner(stage)

    async def create_customer(operation: Operation, params: JsonView) -> Answer:
        begun.set()
        await go.wait()
        return await late.create_customer(operation, params)

    sleeping = asyncio.create_task(stage.container.operations.run(call("one"), create_customer))
    await begun.wait()
    await expire(database)
    await stage.sandbox.fault("POST", "/v1/customers", status=400, times=1)
    refused = await stage.client.post("/v1/customers", json={"name": "x"})
    assert refused.status_code == 422  # the fault is used up by another request: the successor makes the customer
    made = await stage.container.operations.run(call("one"), stage.container.customers.create_customer)
    go.set()
    assert (await sleeping).body == made.body
    assert len((await stage.sandbox.state())["customer"]) == 1


async def test_who_slept_through_his_lease_asks_nothing_more_of_stripe(stage: Stage, database: Database) -> None:
    async def then(operation: Operation, params: JsonView) -> Answer:
        operation.lease_ends = lease.now()
        return await stage.container.customers.create_customer(operation, params)

    sleeper = Runner(stage, then)
    sleeping = asyncio.create_task(stage.container.operations.run(call("one"), sleeper.create_customer))
    await sleeper.claimed.wait()
    sleeper.go.set()
    with pytest.raises(IdempotencyInProgress):
        await sleeping
    assert await stage.calls() == []


async def test_who_slept_through_his_lease_deletes_nothing_at_stripe(stage: Stage) -> None:
    customer = await stage.dashboard("customers", name="Jenny")
    await stage.tell(*await stage.events())
    await stage.calls(forget=True)

    async def delete_customer(operation: Operation, params: JsonView) -> Answer:
        operation.lease_ends = lease.now()
        return await stage.container.customers.delete_customer(operation, params)

    asked = Call("somebody", "DELETE", {}, subject=customer["id"])
    with pytest.raises(IdempotencyInProgress):
        await stage.container.operations.run(asked, delete_customer)
    assert await stage.calls() == []


async def test_a_lease_ends_no_later_here_than_in_the_database(stage: Stage) -> None:
    async def create_customer(operation: Operation, _params: JsonView) -> Answer:
        left = operation.lease_ends - lease.now()
        assert 0 < left <= stage.container.operations.lease.total_seconds()
        raise StripeUnavailable("Stripe is away.")

    with pytest.raises(StripeUnavailable):
        await stage.container.operations.run(call("one"), create_customer)


async def test_a_call_whose_time_is_over_is_not_sent(stage: Stage) -> None:
    with pytest.raises(StripeTimeout):
        await stage.container.gateway._try("get products", "get", "/v1/products", {}, None, 0.0)
    assert await stage.calls() == []
