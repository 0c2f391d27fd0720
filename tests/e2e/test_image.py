"""The image, built by the Dockerfile's own steps in a clean root, does its work: as nobody, on a read-only root."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from app.shutdown import DRAIN_S
from dev.processes import Child
from tests.fixtures.consumer import MakeConsumer
from tests.fixtures.image import Image, reaching_the_index
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import client_of, service_environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
PROJECT = Path(__file__).resolve().parents[2]
COMMANDS = {"api": "serve", "worker": "worker", "console": "console"}
Eventually = Callable[..., Awaitable[Any]]
Start = Callable[[str], Child]


@pytest.fixture
async def reachable_database(database: Database) -> AsyncIterator[str]:
    """The database over TCP, as a container reaches it; the test's server has only a socket in a private folder."""
    address = urlsplit(database.url)
    socket = f"{parse_qs(address.query)['host'][0]}/.s.PGSQL.5432"

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_unix_connection(socket)
        await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://postgres@127.0.0.1:{port}{address.path}"


@pytest.fixture
def settings(image: Image, reachable_database: str, sandbox: Sandbox, api_port: int, free_port: int) -> dict[str, str]:
    """What a container of the image sees; it may talk to the sandbox, because it is not told that this is production."""
    told = service_environment(reachable_database, sandbox, api_port, Path("/tmp/invoicing"))  # noqa: S108 - in the image
    return image.environment(**told | {"ENVIRONMENT": "development", "HOST": "0.0.0.0", "CONSOLE_PORT": str(free_port)})


@pytest.fixture
def start(image: Image, settings: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start one of the image's commands, as `docker run` would."""
    children: list[Child] = []

    def begin(command: str) -> Child:
        whole = image.command([*image.stage.entrypoint, command], settings)
        children.append(
            Child(
                command,
                whole,
                env={"PATH": settings["PATH"] + ":/usr/bin:/usr/sbin"},
                cwd=Path("/"),
                log=tmp_path / command,
            )
        )
        return children[-1]

    yield begin
    for child in children:
        child.stop()


def status_of(process: int) -> dict[str, str]:
    return dict(re.findall(r"^(\w+):\s*(.*)$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE))


def kilobytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)\s*(kB|Ki|Mi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "Mi" else 1)


def memory_of(component: str) -> tuple[int, int]:
    """What the manifests ask for a process, and where they end it, in kilobytes."""
    manifests = yaml.safe_load_all((PROJECT / f"deploy/kubernetes/base/{component}.yaml").read_text())
    deployment = next(it for it in manifests if it["kind"] == "Deployment")
    resources = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
    return kilobytes(resources["requests"]["memory"]), kilobytes(resources["limits"]["memory"])


async def test_the_image_migrates_serves_works_and_shows_as_nobody_on_a_read_only_root(
    image: Image,
    settings: dict[str, str],
    start: Start,
    eventually: Eventually,
    record_property: Callable[[str, object], None],
) -> None:
    entry = image.stage.entrypoint
    migrated = await asyncio.to_thread(image.run, [*entry, "migrate"], settings)
    assert migrated.returncode == 0, migrated.stderr
    assert "The schema is at head." in migrated.stdout

    processes = [start(command) for command in COMMANDS.values()]
    console = f"http://127.0.0.1:{settings['CONSOLE_PORT']}"
    async with client_of(settings["PUBLIC_BASE_URL"]) as client:

        async def ready() -> bool:
            ended = [child for child in processes if child.exit_status is not None]
            if ended:
                pytest.fail("\n".join(ended[0].last_lines(40)))
            try:
                answers = [await client.get(path) for path in ("/readyz", f"{console}/healthz")]
            except httpx.TransportError:
                return False
            return all(answer.status_code == httpx.codes.OK for answer in answers)

        await eventually(ready, within=60)
        assert (await client.get("/healthz")).json()["status"] == "ok"
        assert (await client.get("/readyz")).json()["status"] == "ready"
        assert (await client.get(f"{console}/console/login")).is_success

    healthy = await asyncio.to_thread(image.run, image.stage.health_command, settings)
    assert healthy.returncode == 0, healthy.stderr

    user, group = image.stage.user.split(":")
    for child in processes:
        status = status_of(child.pid)
        assert set(status["Uid"].split()) == {user}
        assert set(status["Gid"].split()) == {group}
        assert (status["CapEff"], status["CapBnd"], status["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")

    done = await asyncio.to_thread(image.run, [*entry, "demo"], settings)
    assert done.returncode == 0, done.stdout + done.stderr

    for child, component in zip(processes, COMMANDS, strict=True):
        asked, most = memory_of(component)
        status = status_of(child.pid)
        record_property(component, f"{status['VmRSS']} now, {status['VmHWM']} at most")
        assert kilobytes(status["VmRSS"]) < asked
        assert kilobytes(status["VmHWM"]) < most / 2

    for child in processes:
        child.expected_to_end = True
        child.send(signal.Signals[image.stage.stop_signal])
    endings = [await asyncio.to_thread(child.wait, DRAIN_S) for child in processes]
    assert set(endings) <= {0, -signal.SIGTERM}, [child.last_lines() for child in processes]


def test_the_health_check_fails_where_nobody_answers(image: Image, free_port: int) -> None:
    checked = image.run(image.stage.health_command, image.environment(PORT=str(free_port)))
    assert checked.returncode != 0
    assert "Connection refused" in checked.stderr


async def test_the_health_check_asks_no_proxy_that_the_container_was_told_of(
    image: Image, make_consumer: MakeConsumer
) -> None:
    service, proxy = await make_consumer(), await make_consumer()
    port = str(urlsplit(service.url).port)
    told = image.environment(PORT=port, http_proxy=proxy.url, HTTP_PROXY=proxy.url)
    checked = await asyncio.to_thread(image.run, image.stage.health_command, told)
    assert checked.returncode == 0, checked.stderr
    assert (len(service.received), len(proxy.received)) == (1, 0)


def test_a_build_is_told_how_the_index_is_reached_and_nothing_else_of_this_machines_pip(tmp_path: Path) -> None:
    mirror, wheels, authority = tmp_path / "mirror" / "simple", tmp_path / "wheels", tmp_path / "authority.pem"
    mirror.mkdir(parents=True)
    wheels.mkdir()
    authority.write_text("a certificate")
    told = {
        "global": {
            "constraint": "/nowhere/constraints.txt",
            "user": "true",
            "target": "/nowhere",
            "index-url": "https://overruled.example/index",
            "extra-index-url": f"\n  file://{mirror}\n  https://more.example/index",
            "find-links": str(wheels),
            "cert": str(authority),
        },
        "install": {"index-url": "https://packages.example/index", "no-compile": "true"},
        "wheel": {"no-deps": "true"},
    }
    lines = [f"[{name}]\n" + "".join(f"{it} = {value}\n" for it, value in told[name].items()) for name in told]
    (tmp_path / "pip.conf").write_text("".join(lines))
    etc = tmp_path / "etc"
    etc.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    environ |= {"PIP_TIMEOUT": "7", "PIP_REQUIRE_VIRTUALENV": "1", "HTTPS_PROXY": "http://proxy.example:3128"}

    settings, folders = reaching_the_index(etc, environ)

    expected = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://packages.example/index",
        "PIP_EXTRA_INDEX_URL": f"file://{mirror} https://more.example/index",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CERT": "/etc/pip-cert.pem",
        "PIP_TIMEOUT": "7",
        "HTTPS_PROXY": "http://proxy.example:3128",
    }
    assert expected.items() <= settings.items()
    unwanted = ("CONSTRAINT", "USER", "TARGET", "NO_COMPILE", "NO_DEPS", "REQUIRE_VIRTUALENV")
    assert not {f"PIP_{name}" for name in unwanted} & settings.keys()
    assert folders == [str(mirror.parent), str(wheels)]
    assert (etc / "pip-cert.pem").read_text() == "a certificate"


def test_nothing_but_tmp_can_be_written_and_nothing_there_be_run(image: Image) -> None:
    write = "touch /srv/invoicing/x /etc/x /usr/x /x 2>&1; touch /tmp/x && cp /bin/true /tmp/true && /tmp/true"
    tried = image.run(["sh", "-c", write], image.environment())
    assert tried.stdout.count("Read-only file system") == 4, tried.stdout
    assert tried.returncode == 126
    assert "Permission denied" in tried.stderr


def test_the_image_is_for_production_unless_told_otherwise(image: Image, settings: dict[str, str]) -> None:
    refused = image.run(
        [*image.stage.entrypoint, *image.stage.command],
        {**settings, "ENVIRONMENT": image.stage.environment["ENVIRONMENT"]},
    )
    assert refused.returncode == 2
    assert "not with ENVIRONMENT=production" in refused.stderr
    assert "PUBLIC_BASE_URL must start with https://" in refused.stderr


def test_the_image_holds_what_is_locked_and_nothing_to_build_or_test_with(image: Image) -> None:
    listing = "import importlib.metadata as m, json; print(json.dumps([d.name for d in m.distributions()]))"
    found = image.run(["python", "-c", listing], image.environment())
    installed = {re.sub(r"[-_.]+", "-", name).lower() for name in json.loads(found.stdout)}
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    locked = {re.sub(r"[-_.]+", "-", name).lower() for name in pins}
    assert installed <= locked
    assert {"fastapi", "stripe", "asyncpg"} <= installed
    assert sorted(path.name for path in image.path(image.stage.folder).iterdir()) == [
        "LICENSE", "alembic.ini", "app", "migrations",
    ]  # fmt: skip
    assert image.path("srv/invoicing/app/__pycache__").is_dir()
    assert image.run(["sh", "-c", "command -v pip"], image.environment(PATH="/srv/venv/bin")).stdout == ""
