"""One error of PostgreSQL's in one queue ends no loop of the worker, and takes nothing along that is under way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.background import Job
from tests.fixtures.consumer import Consumer, endpoint, happens
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until


@pytest.fixture
def outlives(stage: Stage) -> Callable[[Job, str], Any]:
    """`async with outlives(job, table)`: runs the job while its table is away, and goes on when it is back."""

    @asynccontextmanager
    async def run(job: Job, table: str) -> AsyncIterator[None]:
        await stage.rows(f"ALTER TABLE {table} RENAME TO away")
        running = asyncio.create_task(job.run())
        await asyncio.wait({running}, timeout=0.3)
        assert not running.done()
        await stage.rows(f"ALTER TABLE away RENAME TO {table}")
        yield
        job.stop()
        await running

    return run


async def test_the_inbox_outlives_a_table_that_is_away(stage: Stage, outlives: Callable[..., Any]) -> None:
    await stage.invoice()
    await stage.deliver(*await stage.events())

    async def processed() -> bool:
        return not await stage.rows("SELECT FROM webhook_events WHERE next_attempt_at IS NOT NULL")

    async with outlives(stage.worker, "webhook_events"):
        await until(processed)


async def test_the_deliverer_outlives_a_table_that_is_away(
    stage: Stage, database: Database, consumer: Consumer, outlives: Callable[..., Any]
) -> None:
    await endpoint(stage.client, consumer.url)
    await happens(database, 3)
    async with outlives(stage.container.deliverer(), "webhook_endpoints"):
        await consumer.until(3)


async def test_the_completer_outlives_a_table_that_is_away(stage: Stage, outlives: Callable[..., Any]) -> None:
    answer = await stage.client.post("/v1/products", json={"name": "x"}, headers={"Idempotency-Key": "one"})
    assert answer.is_success
    await stage.rows(
        'UPDATE operations SET answered_at = NULL, answer_status = NULL, params = \'{"name": "x"}\', '
        "locked_until = now() - interval '1 hour'"
    )

    async def answered() -> bool:
        return bool(await stage.rows("SELECT FROM operations WHERE answered_at IS NOT NULL"))

    async with outlives(stage.container.completer(), "operations"):
        await until(answered)
