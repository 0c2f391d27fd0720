"""`make run`, as a person meets it: what starts, what ends it, and that nothing outlives it."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from app.settings import Settings
from dev.postgres import PostgresServer, processes_on
from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database
from tests.fixtures.watching import Collector

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PROJECT = Path(__file__).resolve().parents[2]
MARK = "SUPERVISOR_TEST"
UP = "Ctrl-C"  # in what is said at the end of the start
PARTS = {"api": "app.cli serve", "worker": "app.cli worker", "sandbox": "-m offline_stripe"}


class Run:
    """One `python -m dev.run`, and every process that carries its mark."""

    def __init__(self, data_dir: Path, *arguments: str, **settings: str) -> None:
        self.mark = uuid.uuid4().hex
        self.data_dir = data_dir
        self.port, self.sandbox_port = find_free_port(), find_free_port()
        settings_of_the_shell = {name.upper() for name in Settings.model_fields}
        inherited = {name: value for name, value in os.environ.items() if name not in settings_of_the_shell}
        ports = {"PORT": str(self.port), "SANDBOX_PORT": str(self.sandbox_port)}
        self._output = (data_dir.parent / f"output-{self.mark}").open("w+")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dev.run", "--env-file", os.devnull, *arguments],
            cwd=PROJECT,
            env={**inherited, MARK: self.mark, "DATA_DIR": str(data_dir), **ports, **settings},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        return Path(self._output.name).read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str:
        return (self.data_dir / "dev-api-key").read_text().strip()

    def until_up(self) -> float:
        while UP not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() - self.began < 150, self.output
            time.sleep(0.05)
        return time.monotonic() - self.began

    def send(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)

    def ends(self, within: float = 30) -> int:
        return self.process.wait(within)

    def living(self) -> list[psutil.Process]:
        """Find what is left. PostgreSQL overwrites its environment: it is known by its folder."""
        found = processes_on(self.data_dir / "postgres")
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def part(self, name: str) -> psutil.Process:
        if name == "postgres":
            pid = (self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0]
            return psutil.Process(int(pid))
        return next(it for it in self.living() if PARTS[name] in " ".join(it.cmdline()))

    def leaves_nothing(self, within: float = 15) -> None:
        deadline = time.monotonic() + within
        while left := self.living():
            assert time.monotonic() < deadline, [it.cmdline() for it in left]
            time.sleep(0.05)

    def close(self) -> None:
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
            self.ends()
        self._output.close()


def cpu_seconds_of_the_ended() -> float:
    """Sum up what every process started and awaited from here has used, with all of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: every start but the first is a second start."""
    return tmp_path_factory.mktemp("run") / "data"


@pytest.fixture
def run(data_dir: Path) -> Iterator[Callable[..., Run]]:
    started: list[Run] = []

    def start(*arguments: str, **settings: str) -> Run:
        started.append(Run(data_dir, *arguments, **settings))
        return started[-1]

    yield start
    for it in started:
        it.close()


Start = Callable[..., Run]


def stops_everything(stack: Run, sign: signal.Signals) -> None:
    """Send a signal to a stack that is up, all of it; nothing is left."""
    assert {name for name in PARTS if stack.part(name).is_running()} == set(PARTS)
    stack.send(sign)
    assert stack.ends() == 0, stack.output
    stack.leaves_nothing(within=0)


def test_once_runs_the_main_job_leaves_nothing_and_asks_no_proxy_for_what_is_on_this_machine(
    run: Start, collector: Collector
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        proxies = {name: address for it in ("http", "https", "all") for name in (f"{it}_proxy", f"{it.upper()}_PROXY")}
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        demo = run("--once", **proxies, NO_PROXY="", no_proxy="", **traced)
        assert demo.ends(within=150) == 0, demo.output
        demo.leaves_nothing(within=0)
        assert "fulfilled" in demo.output
        assert "http://" not in demo.output, "what has stopped cannot be looked at"
        assert collector.spans
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_once_fails_when_the_main_job_fails(run: Start) -> None:
    unreachable = {"STRIPE_API_BASE": "http://127.0.0.1:9", "STRIPE_MAX_RETRIES": "0"}
    demo = run("--once", STRIPE_SECRET_KEY="sk_test_x", STRIPE_WEBHOOK_SECRETS="whsec_x", **unreachable)
    assert demo.ends(within=150) == 1, demo.output
    demo.leaves_nothing(within=0)
    assert "main job failed" in demo.output.lower()


@pytest.mark.parametrize("name", [*PARTS, "postgres"])
def test_when_one_part_dies_the_rest_is_stopped_and_the_dead_is_named(run: Start, name: str) -> None:
    stack = run("--no-demo")
    stack.until_up()
    stack.part(name).send_signal(signal.SIGKILL)
    assert stack.ends() == 1
    stack.leaves_nothing()
    assert f"{name} (pid " in stack.output
    assert "was killed by SIGKILL" in stack.output


def test_a_signal_during_the_start_stops_everything(run: Start) -> None:
    stack = run()
    while "PostgreSQL" not in stack.output:
        time.sleep(0.01)
    stack.send(signal.SIGINT)
    assert stack.ends() == 128 + signal.SIGINT
    stack.leaves_nothing()


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_start_reuses_what_is_there_in_less_than_ten_seconds(
    run: Start,
) -> None:
    first = run()
    first.until_up()
    key = first.api_key
    headers = {"Authorization": f"Bearer {key}"}
    invoices = httpx.get(f"{first.url}/v1/invoices", headers=headers, trust_env=False).json()["data"]
    assert invoices
    first.send(signal.SIGKILL)
    first.ends()
    first.leaves_nothing()

    before = cpu_seconds_of_the_ended()
    second = run("--no-demo")
    took = second.until_up()
    assert second.api_key == key
    kept = httpx.get(f"{second.url}/v1/invoices?limit=100", headers=headers, trust_env=False).json()["data"]
    assert {it["id"] for it in invoices} <= {it["id"] for it in kept}
    stops_everything(second, signal.SIGTERM)
    # Other tests use the same cores: on a machine of its own it would not take longer than its work takes.
    assert min(took, cpu_seconds_of_the_ended() - before) < 10
    assert second.api_key == key
    assert PostgresServer(second.data_dir / "postgres").initialized


def test_while_it_runs_a_second_terminal_can_join_and_a_second_supervisor_cannot(run: Start) -> None:
    stack = run("--no-demo")
    stack.until_up()
    env_file = stack.data_dir / "run.env"
    assert env_file.stat().st_mode & 0o777 == 0o600
    assert (stack.data_dir / "dev-api-key").stat().st_mode & 0o777 == 0o600
    script = (
        f'set -a; . "{env_file}"; set +a; "{sys.executable}" -c \'import os; print(os.environ["PUBLIC_BASE_URL"])\''
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == stack.url

    second = run()
    assert second.ends() == 1
    assert f"(pid {stack.process.pid})" in second.output
    assert stack.process.poll() is None

    stops_everything(stack, signal.SIGINT)
    assert not env_file.exists()


@pytest.mark.parametrize("setting", ["PORT", "SANDBOX_PORT"])
def test_a_taken_port_is_named_with_its_setting(run: Start, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stack = run(**{setting: str(port)})
        assert stack.ends() == 1
    assert f"port {port} ({setting}) is in use" in stack.output
    stack.leaves_nothing(within=0)


async def test_a_database_of_ones_own_is_used_instead_of_the_embedded_one(run: Start, empty_database: Database) -> None:
    stack = run("--once", DATABASE_URL=empty_database.url)
    assert stack.ends(within=150) == 0, stack.output
    paid = re.search(r"Invoice \S+ \((in_\w+)\) is paid and fulfilled", stack.output)
    assert paid, stack.output
    connection = await empty_database.connect()
    status = await connection.fetchval("SELECT status FROM fulfillments WHERE invoice = $1", paid[1])
    await connection.close()
    assert status == "fulfilled"


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(run: Start) -> None:
    stack = run(DATA_DIR="/dev/null/data")
    assert stack.ends() == 1
    assert stack.output == "cannot start: DATA_DIR (/dev/null/data) cannot be made: Not a directory\n"


def test_a_live_key_never_runs_the_demo(run: Start) -> None:
    stack = run("--once", STRIPE_SECRET_KEY="sk_live_x", STRIPE_WEBHOOK_SECRETS="whsec_x")
    assert stack.ends() == 1
    assert "live key" in stack.output


def test_a_stripe_key_without_webhook_secrets_is_refused(run: Start) -> None:
    stack = run(STRIPE_SECRET_KEY="sk_test_x")
    assert stack.ends() == 1
    assert "STRIPE_WEBHOOK_SECRETS" in stack.output


def test_wrong_settings_are_told_before_anything_starts(run: Start) -> None:
    stack = run(STRIPE_SECRET_KEY="pk_test_x", STRIPE_WEBHOOK_SECRETS="whsec_x", WORKERS="0")
    assert stack.ends() == 1
    told = stack.output[stack.output.index("cannot start") :]  # on a busy machine, after a line that it takes long
    assert told.startswith("cannot start: the settings are wrong\n    WORKERS: ")
    assert "this is a publishable key" in stack.output
