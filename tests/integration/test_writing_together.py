"""Writes that come together share transactions, and nothing else: no answer, no fault, no waiting."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import msgspec
import pytest

from app.container import Container, built
from app.domain.errors import IdempotencyInProgress
from app.idempotency import statements as idempotency_statements
from app.idempotency.operations import Answer, Call
from app.idempotency.statements import NewOperation
from app.settings import Settings
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox

Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

COMMITTED_TOGETHER = """
SELECT operation.idempotency_key AS key, operation.xmin::text AS answered_in, customer.xmin::text AS stored_in,
    operation.answer_body AS body
FROM operations operation JOIN customers customer ON customer.id = operation.subject
"""

WAITS_FOR = "SELECT $2 = ANY (pg_blocking_pids($1))"
LEASE = timedelta(minutes=1)


@pytest.fixture
async def container(settings: Settings) -> AsyncIterator[Container]:
    async with built(settings) as container:
        yield container


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    connection = await database.connect()
    yield connection
    await connection.close()


class Writes:
    """Customers that are created at the same time."""

    def __init__(self, container: Container, connection: Connection, sandbox: Sandbox, eventually: Eventually) -> None:
        self.container = container
        self._connection = connection
        self._sandbox = sandbox
        self._eventually = eventually

    def create(self, name: str) -> "asyncio.Task[Answer]":
        call = Call("tests", "POST /v1/customers", {"name": name}, key=name)
        return asyncio.create_task(self.container.operations.run(call, self.container.customers.create_customer))

    def update(self, customer: str, name: str) -> "asyncio.Task[Answer]":
        call = Call("tests", f"PATCH /v1/customers/{customer}", {"name": name}, key=name, subject=customer)
        return asyncio.create_task(self.container.operations.run(call, self.container.customers.update_customer))

    @asynccontextmanager
    async def held_up(self, table: str, batcher: Any, waiting: int) -> AsyncIterator[None]:
        """While a write called `opener` cannot write to `table`, run the block, until so many wait for the next set."""
        async with self._connection.transaction():
            await self._connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
            opener = self.create("opener")

            async def blocked() -> bool:
                query = "SELECT count(*) FROM pg_locks WHERE relation = $1::regclass AND NOT granted"
                return bool(await self._connection.fetchval(query, table))

            async def gathered() -> bool:
                return len(batcher._waiting) == waiting

            assert await self._eventually(blocked)
            yield
            assert await self._eventually(gathered)
        await opener

    async def committed(self) -> dict[str, asyncpg.Record]:
        return {row["key"]: row for row in await self._connection.fetch(COMMITTED_TOGETHER)}

    async def executed(self) -> int:
        return sum(entry["executed"] for entry in await self._sandbox.requests(method="POST"))


@pytest.fixture
def writes(container: Container, connection: Connection, sandbox: Sandbox, eventually: Eventually) -> Writes:
    return Writes(container, connection, sandbox, eventually)


def finishing(container: Container) -> Any:
    return container.customers._writer._batcher


def beginning(container: Container) -> Any:
    return container.operations._beginning


def names(count: int) -> Sequence[str]:
    return [f"customer-{number}" for number in range(count)]


async def test_writes_that_come_during_a_commit_share_the_next_one(writes: Writes, container: Container) -> None:
    async with writes.held_up("customers", finishing(container), 12):
        tasks = [writes.create(name) for name in names(12)]
    answers = dict(zip(names(12), await asyncio.gather(*tasks), strict=True))
    committed = await writes.committed()
    assert len({committed[name]["answered_in"] for name in names(12)}) == 1
    for name, answer in answers.items():
        assert msgspec.json.decode(answer.body)["name"] == name
        assert committed[name]["body"] == answer.body
        assert committed[name]["answered_in"] == committed[name]["stored_in"]


async def test_requests_that_come_while_others_begin_begin_in_one_commit(
    writes: Writes, container: Container, connection: Connection
) -> None:
    async with writes.held_up("operations", beginning(container), 13):
        tasks = [writes.create(name) for name in names(12)]
        tasks.append(writes.create("customer-3"))  # the key of another one in the same set
    *answers, again = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert isinstance(again, IdempotencyInProgress)
    assert await writes.executed() == 13
    assert await connection.fetchval("SELECT count(DISTINCT created_at) FROM operations") == 2


async def test_whoever_is_held_by_others_keeps_nobody_waiting(
    writes: Writes, connection: Connection, eventually: Eventually
) -> None:
    customer = msgspec.json.decode((await writes.create("held")).body)["id"]
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", customer)
        held = writes.update(customer, "held up")

        async def waits() -> bool:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return bool(await connection.fetchval(query))

        assert await eventually(waits)
        answers = await asyncio.gather(*(writes.create(name) for name in names(3)))
        assert [msgspec.json.decode(answer.body)["name"] for answer in answers] == names(3)
        assert not held.done()
    assert msgspec.json.decode((await held).body)["name"] == "held up"


async def test_a_runner_that_lost_its_lease_takes_nobody_along(
    writes: Writes, container: Container, database: Database, connection: Connection, eventually: Eventually
) -> None:
    other = await database.connect()
    async with writes.held_up("customers", finishing(container), 3):
        slow, *others = [writes.create(name) for name in ("slow", "quick", "brown")]

        async def all_at_stripe() -> bool:
            return await writes.executed() == 4

        assert await eventually(all_at_stripe)
        await other.execute("UPDATE operations SET takeovers = takeovers + 1 WHERE idempotency_key = 'slow'")
    await other.close()
    with pytest.raises(IdempotencyInProgress):
        await slow
    answers = await asyncio.gather(*others)
    assert [msgspec.json.decode(answer.body)["name"] for answer in answers] == ["quick", "brown"]
    assert set(await writes.committed()) == {"opener", "quick", "brown"}
    assert await connection.fetchval("SELECT count(*) FROM customers") == 3


async def test_what_postgresql_refuses_at_the_end_is_nobody_elses_fault(
    writes: Writes, container: Container, connection: Connection
) -> None:
    await connection.execute("ALTER TABLE customers ADD CONSTRAINT nobody CHECK (name <> 'nobody')")
    async with writes.held_up("customers", finishing(container), 3):
        tasks = [writes.create(name) for name in ("somebody", "nobody", "anybody")]
    somebody, nobody, anybody = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(nobody, asyncpg.CheckViolationError)
    assert all(isinstance(answer, Answer) for answer in (somebody, anybody))
    assert set(await writes.committed()) == {"opener", "somebody", "anybody"}
    reason = await connection.fetchval("SELECT last_error FROM operations WHERE idempotency_key = 'nobody'")
    assert "violates check constraint" in reason
    assert "Failing row" not in reason


async def test_what_postgresql_refuses_at_the_beginning_is_nobody_elses_fault(
    writes: Writes, container: Container
) -> None:
    async with writes.held_up("operations", beginning(container), 3):
        tasks = [writes.create(name) for name in ("some", "no\0thing", "any")]
    some, nothing, anything = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(nothing, asyncpg.DataError)
    assert all(isinstance(answer, Answer) for answer in (some, anything))


async def test_two_changes_of_one_object_at_once_are_both_answered(
    writes: Writes, container: Container, connection: Connection
) -> None:
    customer = msgspec.json.decode((await writes.create("one")).body)["id"]
    async with writes.held_up("customers", finishing(container), 2):
        others = [writes.update(customer, "one or another"), writes.update(customer, "another")]
    answers = await asyncio.gather(*others)
    last = await connection.fetchval("SELECT name FROM customers WHERE id = $1", customer)
    assert last in {"one or another", "another"}
    assert last in {msgspec.json.decode(answer.body)["name"] for answer in answers}
    stripe = (await container.gateway.get(f"/v1/customers/{customer}")).data["name"]
    assert stripe == last


async def test_whoever_gives_up_takes_nobody_along_and_is_continued(writes: Writes, container: Container) -> None:
    async with writes.held_up("customers", finishing(container), 3):
        tasks = [writes.create(name) for name in ("patient", "impatient", "calm")]
    tasks[1].cancel()  # its set has begun at most
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Answer, asyncio.CancelledError, Answer]
    again = await writes.create("impatient")
    assert msgspec.json.decode(again.body)["name"] == "impatient"
    assert await writes.executed() == 4


async def test_sets_with_the_same_keys_that_begin_at_the_same_time_never_wait_for_each_other(
    database: Database, connection: Connection, eventually: Eventually
) -> None:
    def new(key: str) -> NewOperation:
        return NewOperation(uuid.uuid4(), "tests", key, "same", "create_customer", {}, None, None)

    other = await database.connect()
    first, second = new("a"), new("b")
    async with connection.transaction():
        assert await idempotency_statements.begin_new(connection, [first], LEASE)
        waiting = asyncio.create_task(idempotency_statements.begin_new(other, [new("b"), new("a")], LEASE))
        watching = await database.connect()
        await eventually(lambda: watching.fetchval(WAITS_FOR, other.get_server_pid(), connection.get_server_pid()))
        assert await idempotency_statements.begin_new(connection, [second], LEASE)
    assert await waiting == {}
    await watching.close()
    await other.close()
