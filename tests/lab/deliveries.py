"""Endpoints of others that are deleted, moved and enabled while their deliveries end and the feed forgets."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx

from app.domain.events import START
from app.events import feed_statements
from tests.fixtures.consumer import Answer, Consumer, Received, endpoint, happens
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until

OLD = timedelta(days=35)


async def broken(stage: Stage, database: Database, consumer: Consumer) -> list[str]:
    """What of the promises of docs/outgoing-webhooks.md and docs/events.md did not hold."""
    return [
        *await _deleted_while_failing(stage, database, consumer),
        *await _moved_while_gone(stage, database, consumer),
        *await _enabled_while_forgotten(stage, database),
    ]


async def _deleted_while_failing(stage: Stage, database: Database, consumer: Consumer) -> list[str]:
    """Endpoints are deleted while what came of their deliveries is noted: each deletion succeeds."""
    made = [await endpoint(stage.client, consumer.url) for _ in range(4)]
    release = asyncio.Event()

    async def fail(_: Received) -> Answer:
        await release.wait()
        return Answer(500)

    consumer.answer = fail
    await happens(database, 3)
    deliverer = stage.container.deliverer()
    await deliverer.take()
    await consumer.until(12)
    release.set()
    await asyncio.sleep(0.05)  # what came of them is being noted
    paths = [f"/v1/webhook-endpoints/{one['id']}" for one in made]
    answers = await asyncio.gather(*(stage.client.delete(path) for path in paths))
    await deliverer.close()
    return [f"deleting answered {answer.status_code}" for answer in answers if answer.status_code != httpx.codes.OK]


async def _moved_while_gone(stage: Stage, database: Database, consumer: Consumer) -> list[str]:
    """An endpoint's old URL says that it is gone, after it was moved to another: it stays enabled."""
    made = await endpoint(stage.client, consumer.url)
    path = f"/v1/webhook-endpoints/{made['id']}"
    moved = asyncio.Event()

    async def gone(_: Received) -> Answer:
        await moved.wait()
        return Answer(410)

    consumer.answer = gone
    seen = len(consumer.received)
    await happens(database)
    deliverer = stage.container.deliverer()
    await deliverer.take()
    await consumer.until(seen + 1)
    await stage.client.patch(path, json={"url": f"{consumer.url}/new"})
    moved.set()
    await deliverer.close()
    status = (await stage.client.get(path)).json()["status"]
    await stage.client.delete(path)
    return [] if status == "enabled" else ["the old URL's 410 disabled the new one"]


async def _enabled_while_forgotten(stage: Stage, database: Database) -> list[str]:
    """An endpoint is enabled while the feed deletes what it missed: it is refused, or the feed keeps it."""
    made = await endpoint(stage.client, "https://shop.example/hooks")
    path = f"/v1/webhook-endpoints/{made['id']}"
    await stage.client.patch(path, json={"status": "disabled"})
    await happens(database, 2)
    connection = await database.connect()
    await connection.execute("UPDATE changes SET at = now() - interval '36 days'")

    async def settled() -> bool:
        page = await feed_statements.read(connection, START, limit=1)
        return not page.held

    await until(settled)
    async with connection.transaction():
        forgotten = await feed_statements.forget(connection, OLD, 100)
        enabling = asyncio.create_task(stage.client.patch(path, json={"status": "enabled"}))
        await asyncio.wait({enabling}, timeout=0.5)
    answer = await enabling
    await connection.close()
    lost = forgotten > 0 and answer.is_success
    return ["an endpoint was enabled, and what it missed is gone"] if lost else []
