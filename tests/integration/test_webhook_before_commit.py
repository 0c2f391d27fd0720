"""A write's own answer and the webhooks about it, in either order, at every await of the write: the same rows."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import msgspec
import pytest
from fastapi import FastAPI

from app.container import Container
from app.idempotency.operations import Answer, Call
from tests.fixtures.caller import Caller
from tests.fixtures.dying import Still
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox

Json = dict[str, Any]
ITEMS: list[Json] = [{"amount": 700 + n, "currency": "usd", "description": f"item {n}"} for n in range(12)]
OF_THEIR_OWN = """
    - 'id' - 'customer' - 'number' - 'reference' - 'payment_intent' - 'hosted_invoice_url' - 'invoice_pdf' - 'created_at'
    - 'updated_at' - 'finalized_at' - 'paid_at' - 'due_at' - 'snapshot_since' - 'snapshot_until' - 'snapshot_digest'
    - 'lines_digest' - 'revision' - 'document' - 'items_document' - 'sequence' - 'search' - 'later_digests' - 'stuck_since'
"""
ROWS = f"""
SELECT to_jsonb(i) {OF_THEIR_OWN} AS invoice,
    (SELECT jsonb_agg(jsonb_build_array(t.position, t.amount, t.description) ORDER BY t.position)
     FROM invoice_items t WHERE t.invoice = i.id) AS items,
    (SELECT f.status || f.amount_paid FROM fulfillments f WHERE f.invoice = i.id) AS fulfillment,
    i.document::jsonb ->> 'settled_by' AS settled_by, jsonb_array_length(i.items_document::jsonb) AS shown_items,
    (SELECT count(*) FROM invoice_payments p WHERE p.invoice = i.id AND p.is_default) AS payments
FROM invoices i WHERE i.id = $1
"""  # noqa: S608 -- a constant
BLOCKED = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def container(app: FastAPI) -> Container:
    found: Container = app.state.container
    return found


class Race:
    """One write that stands still at an await while the webhooks about it are processed."""

    def __init__(self, live: Caller, container: Container, sandbox: Sandbox, connection: Any) -> None:
        self.live = live
        self.container = container
        self._sandbox = sandbox
        self._connection: asyncpg.Connection[asyncpg.Record] = connection

    async def webhook_first(self, write: Callable[[], Coroutine[Any, Any, Answer]], at: int) -> tuple[Answer, bool]:
        """Stand still there until the inbox is empty, or waits for a row of ours; then run on."""
        still = Still(write(), at)
        writing = asyncio.create_task(still)
        reached = asyncio.create_task(still.reached.wait())
        await asyncio.wait({writing, reached}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        if still.reached.is_set():
            settling = asyncio.create_task(self.live.settled())
            while not settling.done() and not await self._connection.fetchval(BLOCKED):
                await asyncio.wait({settling}, timeout=0.01)
            still.resume()
            await settling
        answer = await writing
        await self.live.settled()
        return answer, still.reached.is_set()

    async def rows(self, answer: Answer) -> Json:
        found = await self._connection.fetchrow(ROWS, msgspec.json.decode(answer.body)["id"])
        assert found is not None
        return {
            name: msgspec.json.decode(value) if name in {"invoice", "items"} else value for name, value in found.items()
        }

    async def differences(self, answer: Answer, expected: Json) -> Json:
        found = await self.rows(answer)
        flat = [rows | rows.pop("invoice") for rows in (dict(found), dict(expected))]
        return {name: (value, flat[1].get(name)) for name, value in flat[0].items() if value != flat[1].get(name)}


@pytest.fixture
async def race(live: Caller, container: Container, sandbox: Sandbox, database: Database) -> Any:
    connection = await database.connect()
    yield Race(live, container, sandbox, connection)
    await connection.close()


def create(race: Race, customer: str) -> Callable[[], Coroutine[Any, Any, Answer]]:
    params = {"customer": customer, "items": ITEMS, "finalize": True, "collection_method": "send_invoice"}
    call = Call("tests", "POST /v1/invoices", params | {"days_until_due": 30})
    return lambda: race.container.operations.run(call, race.container.invoices.create_invoice)


def pay(race: Race, invoice: str) -> Callable[[], Coroutine[Any, Any, Answer]]:
    call = Call("tests", f"POST /v1/invoices/{invoice}/pay", {"payment_method": "pm_card_visa"}, subject=invoice)
    return lambda: race.container.operations.run(call, race.container.invoices.pay_invoice)


@pytest.mark.timeout(600)
async def test_a_create_ends_in_the_same_rows_whenever_its_webhooks_come(race: Race, sandbox: Sandbox) -> None:
    customer = (await race.live.customer())["id"]
    await sandbox.mode(hold=True)
    write_first = await create(race, customer)()
    await sandbox.mode(hold=False)
    await sandbox.release("reversed")
    await race.live.settled()
    expected = await race.rows(write_first)
    assert expected["fulfillment"] == "awaiting_payment0"
    at, standing = 0, True
    while standing:
        answer, standing = await race.webhook_first(create(race, customer), at)
        assert await race.differences(answer, expected) == {}, f"await {at}"
        at += 1
    assert at > 20


@pytest.mark.timeout(600)
async def test_a_payment_ends_in_the_same_rows_whenever_its_webhooks_come(race: Race, sandbox: Sandbox) -> None:
    async def invoice() -> str:
        return str((await race.live.open())["id"])

    first = await invoice()
    await race.live.settled()
    await sandbox.mode(hold=True)
    write_first = await pay(race, first)()
    await sandbox.mode(hold=False)
    await sandbox.release("reversed")
    await race.live.settled()
    expected = await race.rows(write_first)
    assert expected["fulfillment"] == "fulfilled2000"
    at, standing = 0, True
    while standing:
        answer, standing = await race.webhook_first(pay(race, await invoice()), at)
        assert await race.differences(answer, expected) == {}, f"await {at}"
        at += 1
    assert at > 10
