"""Starts everything in order, runs the main job, notices a death, and stops what it started.

The order:  PostgreSQL and the sandbox together → migrations → API and worker together → the main job.
The end:    a signal, a child's death, or (with `--once`) the main job's end, whichever comes first; then everything
            is stopped in the opposite order. A second Ctrl-C does not wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from dev.environment import Environment
from dev.postgres import PostgresServer
from dev.processes import Child, adopt_orphans, describe_exit, reap_orphans
from dev.stack import Command, answers, require_free_port, sandbox, service

DATABASE = "invoicing"
SANDBOX_HEALTH = "/_sandbox/health"
_STARTUP_S = 120.0
_QUIET_FOR_S = 2.0  # longer than a fast machine takes for a step; a person should not have to wonder
_IMPATIENT_AFTER_S = 0.5  # one Ctrl-C may arrive twice, from the terminal and from make
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class StartError(RuntimeError):
    """A step of the start failed. The message names the step and its error."""


def _with_log(headline: str, child: Child) -> str:
    where = [] if child.log is None else [f"the end of {child.log}:", *(f"    {line}" for line in child.last_lines())]
    return "\n".join([headline, *where])


class Supervisor:
    """One use: `await Supervisor(environment, say).run(once=False)` returns the exit status."""

    def __init__(self, environment: Environment, say: Say, *, demo: bool = True) -> None:
        self._demo = demo
        self._environment = environment
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._children: list[Child] = []
        self._postgres: PostgresServer | None = None
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._signalled_at = self._loop.time()
        self._status: int | None = None  # the main job's, once everything is up to stay

    async def run(self, *, once: bool) -> int:
        """Start everything, run the main job, then stay until something ends, unless `once`."""
        adopt_orphans()
        for sign in _STOP_SIGNALS:
            self._loop.add_signal_handler(sign, self._on_signal, sign)
        story = asyncio.create_task(self._story(once=once))
        try:
            await asyncio.wait({story, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            return story.result() if story.done() else self._ended.result()
        finally:
            story.cancel()
            await asyncio.wait({story})
            if not self._ended.done():
                self._ended.set_result(1)
            await asyncio.to_thread(self._stop_everything)
            self._environment.run_env.unlink(missing_ok=True)

    async def _story(self, *, once: bool) -> int:
        environment = self._environment
        try:
            async with asyncio.timeout(_STARTUP_S):
                waiting = asyncio.create_task(self._show_that_it_starts())
                try:
                    children_env = await self._start()
                finally:
                    waiting.cancel()
        except TimeoutError:
            raise StartError(f"not ready within {_STARTUP_S:.0f} s; the logs are in {environment.logs}") from None
        status = 0
        if environment.livemode:
            self._say("STRIPE_SECRET_KEY is a live key: the main job would move real money, so it is not run")
        elif self._demo:
            left_open = ["--no-another"] if once else []  # what is about to stop cannot be looked at
            main_job = service("demo", "--url", environment.api_url, *left_open)
            status = await self._watch(self._launch("demo", main_job, children_env, visible=True))
        if once:
            return status
        if status != 0:
            self._say(f"the main job failed (it {describe_exit(status)}); everything stays up for you to look")
        self._say_where_to_look()
        self._status = status
        return await asyncio.shield(self._ended)

    async def _show_that_it_starts(self) -> None:
        while True:
            await asyncio.sleep(_QUIET_FOR_S)
            self._say("…")

    async def _start(self) -> Mapping[str, str]:
        environment = self._environment
        await require_free_port(environment.host, environment.port, "PORT")
        if environment.sandboxed:
            await require_free_port("127.0.0.1", environment.sandbox_port, "SANDBOX_PORT")
            self._serve("sandbox", sandbox(environment), environment.for_children({}))
        else:
            await self._check_settings()
        made = environment.made(await self._start_postgres() if environment.embedded_database else None)
        children_env = environment.for_children(made)
        environment.write_run_env(made)
        await self._migrate(children_env)
        if environment.sandboxed:
            await answers(f"{environment.sandbox_url}{SANDBOX_HEALTH}")
        self._serve("worker", service("worker"), children_env)
        self._serve("api", service("serve"), children_env)
        await answers(f"{environment.api_url}/readyz")
        self._say("API and worker ready")
        return children_env

    async def _start_postgres(self) -> str:
        data = self._environment.data_dir / "postgres"
        server = self._postgres = PostgresServer(data, log=self._environment.logs / "postgres.log")
        self._say("PostgreSQL starting" if server.initialized else f"PostgreSQL starting for the first time, in {data}")
        await asyncio.to_thread(server.initialize)
        child = server.launch()  # in this thread: the kernel ties it to the thread that starts it
        self._children.append(child)
        while not server.ready():  # noqa: ASYNC110 - a line in a file: nothing to be notified by
            await asyncio.sleep(0.02)
        self._stop_when_it_ends(child)
        await asyncio.to_thread(server.create_database, DATABASE)
        return server.url(DATABASE)

    async def _check_settings(self) -> None:
        """Say what is wrong with settings that somebody brought, before anything starts."""
        environment = self._environment
        made = environment.made("postgresql://localhost/none" if environment.embedded_database else None)
        child = self._launch("check", service("check"), environment.for_children(made))
        if await self._watch(child) != 0:
            raise StartError("\n".join(["the settings are wrong", *(f"    {line}" for line in child.last_lines())]))

    async def _migrate(self, env: Mapping[str, str]) -> None:
        # It waits for a database that is not up yet, and says so: let that be seen where the database is not ours.
        child = self._launch("migrate", service("migrate"), env, visible=not self._environment.embedded_database)
        status = await self._watch(child)
        if status != 0:
            raise StartError(_with_log(f"the migrations failed: `migrate` {describe_exit(status)}", child))
        self._say("database ready, migrations applied")

    def _launch(self, name: str, command: Command, env: Mapping[str, str], *, visible: bool = False) -> Child:
        log = None if visible else self._environment.logs / f"{name}.log"
        if log is not None:
            log.unlink(missing_ok=True)
        child = Child(name, command, env=env, cwd=self._environment.project, log=log)
        self._children.append(child)
        return child

    def _serve(self, name: str, command: Command, env: Mapping[str, str]) -> None:
        self._stop_when_it_ends(self._launch(name, command, env))

    def _watch(self, child: Child) -> asyncio.Future[int]:
        """Return what becomes the child's exit status when it ends."""
        exited: asyncio.Future[int] = self._loop.create_future()

        def tell(status: int) -> None:
            if not exited.done():
                exited.set_result(status)

        def wait() -> None:
            status = child.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
                self._loop.call_soon_threadsafe(tell, status)

        threading.Thread(target=wait, name=f"wait-{child.name}", daemon=True).start()
        return exited

    def _stop_when_it_ends(self, child: Child) -> None:
        def on_exit(exited: asyncio.Future[int]) -> None:
            if exited.cancelled() or child.expected_to_end or self._ended.done():
                return
            headline = f"{child.name} (pid {child.pid}) {describe_exit(exited.result())}: stopping everything"
            self._say(_with_log(headline, child))
            self._ended.set_result(1)

        self._watch(child).add_done_callback(on_exit)

    def _on_signal(self, sign: signal.Signals) -> None:
        if not self._ended.done():
            self._say(f"{sign.name} received: stopping everything")
            self._signalled_at = self._loop.time()
            self._ended.set_result(128 + sign if self._status is None else self._status)
        elif sign == signal.SIGINT and self._loop.time() - self._signalled_at > _IMPATIENT_AFTER_S:
            for child in self._children:
                child.send(signal.SIGKILL)

    def _stop_everything(self) -> None:
        """Stop the service's processes together, then what they need, newest first."""
        for child in self._children:
            if child.name in {"api", "worker", "demo", "migrate"}:
                child.ask_to_stop()
        for child in reversed(self._children):
            child.stop()
        if self._postgres is not None:
            self._postgres.clean_up()
        reap_orphans(within=2)

    def _say_where_to_look(self) -> None:
        environment = self._environment
        api_key = "the one in API_BOOTSTRAP_KEY" if "API_BOOTSTRAP_KEY" in environment.given else environment.api_key
        self._say(
            "\n".join(
                [
                    "everything is up; Ctrl-C stops it",
                    "",
                    f"  API docs     {environment.api_url}/docs",
                    f"  guide        {environment.api_url}/docs/guide   (make docs builds it)",
                    f"  API key      {api_key}",
                    *([f"  sandbox      {environment.sandbox_url}"] if environment.sandboxed else []),
                    "  console      make console, in another shell",
                    f"  logs         {environment.logs}",
                    f"  more shells  set -a; . {environment.run_env}; set +a   (then: {Path(sys.executable).parent}/invoicing --help)",
                    "",
                ]
            )
        )
