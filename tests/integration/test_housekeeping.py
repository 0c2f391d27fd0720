"""Who keeps house: one process at a time, whatever its tasks do, and until it is told to stop."""

import asyncio

import pytest
from fastapi import FastAPI

from app.container import Container
from app.db import engine
from app.db.engine import Database
from app.jobs.housekeeper import Housekeeper, Task
from tests.fixtures.network import Network


@pytest.fixture
def container(app: FastAPI) -> Container:
    found: Container = app.state.container
    return found


async def test_one_process_at_a_time_keeps_house_and_another_takes_over(container: Container) -> None:
    done: list[str] = []

    def keeper(name: str) -> Housekeeper:
        async def work() -> None:
            done.append(name)

        return Housekeeper(container.database, [Task("sweep", 0.0, work)])

    first, second = keeper("first"), keeper("second")
    assert await first.run_once() == ["sweep"]
    assert await second.run_once() == []
    first.stop()
    await first.run()  # ends, and lets go of the lock
    assert await second.run_once() == ["sweep"]
    assert done == ["first", "second"]
    second.stop()
    await second.run()


async def test_a_task_that_fails_does_not_stop_the_others(container: Container) -> None:
    async def fails() -> None:
        raise RuntimeError("no")

    async def works() -> int:
        return 1

    keeper = Housekeeper(container.database, [Task("fails", 60.0, fails), Task("works", 60.0, works)])
    assert await keeper.run_once() == ["fails", "works"]
    assert await keeper.run_once() == []
    keeper.stop()
    await keeper.run()


async def test_a_task_under_way_is_broken_off_at_the_end_and_begun_by_another(container: Container) -> None:
    begun: asyncio.Queue[str] = asyncio.Queue()

    def keeper(name: str) -> Housekeeper:
        async def lasts() -> None:
            begun.put_nowait(name)
            await asyncio.Event().wait()

        return Housekeeper(container.database, [Task("lasts", 60.0, lasts)], retry_s=0.01)

    first, second = keeper("first"), keeper("second")
    running = asyncio.create_task(first.run())
    assert await begun.get() == "first"
    waiting = asyncio.create_task(second.run())
    first.stop()
    async with asyncio.timeout(15):
        await running
        assert await begun.get() == "second"
        second.stop()
        await waiting


async def test_a_fault_of_the_housekeeping_itself_is_survived(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, done = [LookupError("a fault of ours")], asyncio.Event()

    async def work() -> None:
        done.set()

    keeper = Housekeeper(container.database, [Task("sweep", 60.0, work)])
    leads = keeper._leads

    async def breaks() -> bool:
        if faults:
            raise faults.pop()
        return await leads()

    monkeypatch.setattr(keeper, "_leads", breaks)
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(15):
        await done.wait()
    keeper.stop()
    await running


async def test_who_keeps_house_ends_although_the_server_does_not_answer(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CLOSE_WITHIN_S", 0.1)
    keeper = Housekeeper(Database(network.url), [])
    assert await keeper.run_once() == []
    network.lose()
    keeper.stop()
    async with asyncio.timeout(5):
        await keeper.run()
