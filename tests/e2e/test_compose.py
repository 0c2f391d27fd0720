"""The demo of compose.yaml, without an engine: its commands and settings, as processes of this machine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx
import pytest

from dev.processes import Child
from tests.architecture.test_deployment import compose
from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database
from tests.fixtures.service import _inherited
from tests.fixtures.waiting import until
from tests.fixtures.warm import run_warm, start

pytestmark = pytest.mark.e2e


async def test_the_demo_takes_an_invoice_to_fulfilled(empty_database: Database, tmp_path: Path) -> None:
    services = compose()
    api, stripe = find_free_port(), find_free_port()
    here = {
        "demo-api:8000": f"127.0.0.1:{api}", "localhost:8000": f"127.0.0.1:{api}",
        "demo-stripe:8001": f"127.0.0.1:{stripe}", "localhost:8001": f"127.0.0.1:{stripe}",
        "/state": str(tmp_path), "/tmp/invoicing": str(tmp_path),  # noqa: S108 - in the container
        services["demo-api"]["environment"]["DATABASE_URL"]: empty_database.url,
    }  # fmt: skip

    def moved(text: str) -> str:
        for there, instead in here.items():
            text = text.replace(there, instead)
        return "127.0.0.1" if text == "0.0.0.0" else text

    def words(name: str) -> list[str]:
        return [moved(word) for word in services[name]["command"]]

    environment = {name: moved(value) for name, value in services["demo-api"]["environment"].items()}
    environment = _inherited() | environment | {"PORT": str(api)}
    offline = [sys.executable, "-m", "offline_stripe", *words("demo-stripe"), "--port", str(stripe)]
    children = [Child("demo-stripe", offline, env=environment, cwd=tmp_path, log=tmp_path / "demo-stripe.log")]
    try:
        migrated = await asyncio.to_thread(run_warm, *words("demo-migrate"), env=environment, cwd=tmp_path)
        assert migrated.returncode == 0, migrated.stderr
        children += [
            start(name, *words(name), env=environment, cwd=tmp_path, log=tmp_path / f"{name}.log")
            for name in ("demo-api", "demo-worker")
        ]

        async def healthy() -> bool:
            try:
                async with httpx.AsyncClient(trust_env=False) as client:
                    answers = [await client.get(f"http://127.0.0.1:{api}/readyz")]
                    answers.append(await client.get(f"http://127.0.0.1:{stripe}/_sandbox/health"))
            except httpx.TransportError:
                return False
            return all(answer.is_success for answer in answers)

        await until(healthy, within=30)
        done = await asyncio.to_thread(run_warm, *words("demo"), env=environment, cwd=tmp_path)
    finally:
        for child in reversed(children):
            child.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is paid and fulfilled" in done.stdout
    assert f"pay one yourself http://127.0.0.1:{api}/pay/" in done.stdout
