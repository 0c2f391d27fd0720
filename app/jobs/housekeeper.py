"""Runs the periodic tasks of the service, in one process at a time.

The housekeeper is the process that holds an advisory lock in PostgreSQL. If its process or connection dies, PostgreSQL
releases the lock and another worker takes over within RETRY_S. Tasks are idempotent: each may run again at any time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import structlog

from app.db.engine import Database, close, translated_errors
from app.jobs.leadership import lead
from app.jobs.loop import JobLoop
from app.observability import logs, metrics, tracing

log = structlog.get_logger(__name__)

RETRY_S = 10.0
"""Seconds between two attempts to take the lock, or two checks by its holder that it still has it."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work to do every `every_s` seconds; `work` opens its own connections."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[object]]


class Housekeeper:
    def __init__(self, database: Database, tasks: Sequence[Task], *, retry_s: float = RETRY_S) -> None:
        self._database = database
        self._tasks = tasks
        self._loop = JobLoop("housekeeping", self._turn, poll_s=retry_s)
        self._due = dict.fromkeys((task.name for task in tasks), 0.0)
        for task in tasks:
            metrics.task(task.name)
        self._stopping = asyncio.Event()
        self._lock: asyncpg.Connection[asyncpg.Record] | None = None

    def stop(self) -> None:
        """Make `run` return and cancel the task under way; another process starts it again."""
        self._stopping.set()

    async def run(self) -> None:
        """Run due tasks whenever this process holds the lock, until stopped."""
        stopped, keeping = asyncio.create_task(self._stopping.wait()), asyncio.create_task(self._loop.run())
        try:
            await asyncio.wait([stopped, keeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            keeping.cancel()
            await asyncio.wait([stopped, keeping])
            metrics.LEADER.set(0)
            if self._lock is not None:
                await close(self._lock)

    async def _turn(self) -> int:
        """Run due tasks if this process holds the lock. Returns 0, so that the loop always rests."""
        await self.run_once()
        return 0

    async def run_once(self) -> list[str]:
        """Run the due tasks if this process holds or gets the lock. Returns the names of the tasks that ran."""
        leads = False
        try:
            leads = await self._leads()
        finally:
            metrics.LEADER.set(leads)
        if not leads:
            return []
        now = asyncio.get_running_loop().time()
        due = [task for task in self._tasks if self._due[task.name] <= now]
        for task in due:
            self._due[task.name] = now + task.every_s
            await _run(task)
        return [task.name for task in due]

    async def _leads(self) -> bool:
        async with translated_errors():
            if self._lock is None or self._lock.is_closed():
                self._lock = await self._database.dedicated()
            return await lead(self._lock)


async def _run(task: Task) -> None:
    """Run a task, and log and count its outcome. An error of one task must not stop the others."""
    started = time.perf_counter()
    outcome, event, said = "ok", "housekeeping", log.info
    with logs.context(), tracing.span(f"task {task.name}") as span:
        try:
            done = {"done": await task.work()}
        except Exception as error:  # noqa: BLE001 -- see above
            outcome, event, said = "failed", "housekeeping_failed", log.error
            done = {"error": f"{type(error).__name__}: {error}"}
            tracing.fail(span, type(error).__name__)
        took = time.perf_counter() - started
        said(event, task=task.name, ms=round(took * 1000, 1), **done)
    metrics.TASKS(task.name, outcome).inc()
    metrics.TASK_SECONDS(task.name).observe(took)
    if outcome == "ok":
        metrics.TASK_SUCCEEDED(task.name).set_to_current_time()
