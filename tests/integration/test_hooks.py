"""Hooks: what they are called with, how they may end, and that one keeps no other waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from app.domain.json import JsonObject
from app.fulfillment.actions import Action, Hook
from app.fulfillment.performer import Performer
from app.hooks import FulfillmentAction, Moment, Permanent
from app.jobs.readers_writer_lock import ReadersWriterLock
from tests.fixtures.stage import Stage

Function = Callable[[FulfillmentAction], Awaitable[object]]
Begin = Callable[..., Awaitable[Performer]]


@pytest.fixture
async def begin(stage: Stage) -> Begin:
    """`performer = await begin(ship=function, …)`: announced, with a paid invoice waiting for each."""

    async def make(most_s: float = 5.0, **functions: Function) -> Performer:
        database = stage.container.database
        hooks: dict[str, Action] = {name: Hook(database, function, most_s) for name, function in functions.items()}
        performer = Performer(database, hooks, poll_s=0.05)
        await performer.announce()
        invoice = await stage.invoice()
        await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
        await stage.tell(*await stage.events())
        return performer

    return make


async def job(stage: Stage, action: str = "ship") -> JsonObject:
    (found,) = await stage.rows("SELECT * FROM fulfillment_actions WHERE action = $1", action)
    return found


async def test_a_hook_is_called_with_what_the_api_answers_and_an_id_that_stays(stage: Stage, begin: Begin) -> None:
    called: list[FulfillmentAction] = []

    async def ship(action: FulfillmentAction) -> None:
        called.append(action)
        if action.attempt == 1:
            raise RuntimeError("the warehouse is closed")

    performer = await begin(ship=ship)
    await performer.drain()
    waiting = await job(stage)
    assert (waiting["status"], waiting["reason"]) == ("failed", "RuntimeError: the warehouse is closed")
    await stage.rows("UPDATE fulfillment_actions SET next_attempt_at = now()")
    await performer.drain()
    done = await job(stage)
    assert (done["status"], done["reason"], done["attempts"]) == ("done", None, 2)
    first, second = called
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.idempotency_id == second.idempotency_id == done["id"]
    assert second.moment is Moment.FULFILLED
    path = f"/v1/invoices/{done['invoice']}"
    assert second.invoice == (await stage.client.get(path)).json()
    assert second.fulfillment == (await stage.client.get(f"{path}/fulfillment")).json()


async def refuses(_action: FulfillmentAction) -> None:
    raise Permanent("unknown article; ask jenny@example.com")


async def leaves(_action: FulfillmentAction) -> None:
    raise SystemExit(3)


async def cancels(_action: FulfillmentAction) -> None:
    raise asyncio.CancelledError


async def hangs(_action: FulfillmentAction) -> None:
    await asyncio.Event().wait()


async def clings(_action: FulfillmentAction) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    raise ValueError("too late")


@pytest.mark.parametrize(
    ("function", "status", "reason"),
    [
        (refuses, "dead", "unknown article; ask [redacted]"),
        (leaves, "failed", "RuntimeError: it wanted to end the process: 3"),
        (cancels, "failed", "RuntimeError: it was cancelled, and not by the service"),
        (hangs, "failed", "TimeoutError: it took longer than 0.2 s"),
        (clings, "failed", "TimeoutError: it took longer than 0.2 s"),
    ],
)
async def test_however_a_hook_ends_its_job_has_a_state_and_a_reason(
    stage: Stage, begin: Begin, function: Function, status: str, reason: str
) -> None:
    performer = await begin(0.2, ship=function)
    await performer.drain()
    found = await job(stage)
    assert (found["status"], found["reason"]) == (status, reason)


async def test_a_hook_that_hangs_keeps_no_other_action_waiting(stage: Stage, begin: Begin) -> None:
    told, hanging = asyncio.Event(), asyncio.Event()

    async def ship(_action: FulfillmentAction) -> None:
        hanging.set()
        await told.wait()

    async def tell(_action: FulfillmentAction) -> None:
        await hanging.wait()
        told.set()

    performer = await begin(ship=ship, tell=tell)
    running = asyncio.create_task(performer.run())
    await told.wait()
    performer.stop()
    await running
    assert [(await job(stage, name))["status"] for name in ("ship", "tell")] == ["done", "done"]


async def test_a_worker_that_stops_finishes_what_is_under_way(stage: Stage, begin: Begin) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def ship(_action: FulfillmentAction) -> None:
        started.set()
        await finish.wait()

    performer = await begin(ship=ship)
    running = asyncio.create_task(performer.run())
    await started.wait()
    performer.stop()
    finish.set()
    await running
    assert (await job(stage))["status"] == "done"


async def test_an_action_that_is_not_configured_any_more_waits_and_gets_no_new_jobs(stage: Stage, begin: Begin) -> None:
    await begin(ship=hangs)
    await Performer(stage.container.database, {}, poll_s=1).announce()
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    assert (await job(stage))["status"] == "pending"


async def test_a_worker_that_is_configured_otherwise_than_the_last_to_start_says_so_once(
    stage: Stage, begin: Begin, request: pytest.FixtureRequest
) -> None:
    def said() -> int:
        # The log was bound to standard error before this test began: only the capture of the whole run has it.
        captured = request.config.pluginmanager.getplugin("capturemanager").read_global_capture()
        return "".join(captured).count("actions_differ")

    first = await begin(ship=hangs)
    assert (await first.compare(), said()) == (0, 0)
    other = Performer(stage.container.database, {}, poll_s=1)
    await other.announce()
    assert [await first.compare(), await first.compare(), await other.compare()] == [1, 1, 0]
    assert said() == 1
    await first.announce()  # as it does when it is started again
    assert [await first.compare(), await other.compare()] == [0, 1]
    assert said() == 1


async def test_a_worker_waits_for_its_database_and_its_tables(stage: Stage, begin: Begin) -> None:
    done = asyncio.Event()

    async def ship(_action: FulfillmentAction) -> None:
        done.set()

    performer = await begin(ship=ship)
    await stage.rows("ALTER TABLE fulfillment_actions RENAME TO away")
    running = asyncio.create_task(performer.run())
    await asyncio.wait({running}, timeout=0.3)
    assert not running.done()
    await stage.rows("ALTER TABLE away RENAME TO fulfillment_actions")
    async with _away(stage):
        await asyncio.wait({running}, timeout=0.3)
        assert not running.done()
    await done.wait()
    performer.stop()
    await running


@contextlib.asynccontextmanager
async def _away(stage: Stage) -> AsyncIterator[None]:
    await stage.container.database.close()
    yield
    await stage.container.database.open()


async def test_two_workers_never_do_one_action_side_by_side(stage: Stage, begin: Begin) -> None:
    called: list[str] = []

    async def ship(action: FulfillmentAction) -> None:
        called.append(action.idempotency_id)
        await asyncio.sleep(0)

    performer = await begin(ship=ship)
    for _ in range(3):
        await begin(ship=ship)
    other: Any = Performer(stage.container.database, performer._configured, poll_s=1)
    await asyncio.gather(performer.drain(), other.drain())
    assert len(called) == len(set(called)) == 4


async def test_what_a_worker_died_over_is_done_alone(stage: Stage, begin: Begin) -> None:
    order: list[str] = []
    told = asyncio.Event()

    async def ship(_action: FulfillmentAction) -> None:
        order.append("ship begins")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), 0.3)  # time enough for another to come in beside it
        order.append("ship ends")

    async def tell(_action: FulfillmentAction) -> None:
        order.append("tell")
        told.set()

    performer = await begin(ship=ship, tell=tell)
    await stage.rows("UPDATE fulfillment_actions SET status = 'running' WHERE action = 'ship'")
    running = asyncio.create_task(performer.run())
    await told.wait()
    performer.stop()
    await running
    found = await job(stage)
    assert (found["status"], found["lost"]) == ("done", 1)
    if order[0] == "tell":  # it was inside already, and waited for
        assert order == ["tell", "ship begins", "ship ends"]
    else:
        assert order == ["ship begins", "ship ends", "tell"]


async def test_whoever_must_be_alone_waits_for_the_others_and_they_for_it() -> None:
    passage = ReadersWriterLock()
    out = await passage.beside()
    along = passage.along()
    order: list[str] = []

    async def alone() -> None:
        async with passage.alone() as through:
            order.append("alone")
            through()

    async def beside() -> None:
        leave = await passage.beside()
        order.append("beside")
        leave()

    tasks = [asyncio.create_task(alone()), asyncio.create_task(beside())]
    await asyncio.sleep(0)
    out()
    out()  # a second time means nothing
    await asyncio.sleep(0)
    assert order == []
    along()
    await asyncio.gather(*tasks)
    assert order == ["alone", "beside"]
