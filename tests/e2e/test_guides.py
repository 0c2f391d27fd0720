"""The guides' examples, as they stand there, against the running service.

Of each page, all blocks marked `bash` are one script, and so are its Python blocks. A script begins with the helpers
of docs/getting-started.md. Blocks marked `sh` install, start or configure, and are not run here.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.sandbox import PROJECT, Sandbox, unmeasured
from tests.fixtures.service import MakeService, Service

pytestmark = pytest.mark.e2e

CLIENT = PROJECT / "clients/python/src"


def blocks(page: str, language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", (PROJECT / page).read_text(), re.MULTILINE | re.DOTALL)
    return "\n".join(found)


PAGES = sorted(str(path.relative_to(PROJECT)) for path in [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")])
SHELL = [page for page in PAGES if blocks(page, "bash")]
HELPERS = blocks("docs/getting-started.md", "bash").partition("\n\n")[0]
"""The first block there: where the service is, and the functions that every page uses."""


@pytest.fixture
async def running(make_service: MakeService, tmp_path: Path) -> Service:
    """The service, and its key where `make run` keeps it."""
    service = await make_service(WORKER_POLL_S="0.2")
    (tmp_path / ".data").mkdir(exist_ok=True)
    (tmp_path / ".data/dev-api-key").write_text(service.api_key)
    return service


async def run(service: Service, sandbox: Sandbox, folder: Path, program: str, *command: str) -> str:
    """What the command writes, given a program in which the addresses are those of `make run`."""
    program = program.replace("http://127.0.0.1:8000", service.url).replace("http://127.0.0.1:8001", sandbox.url)
    (folder / "program").write_text(program)
    here = {"PYTHONPATH": f"{PROJECT}:{CLIENT}", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = await asyncio.to_thread(
        subprocess.run, [*command, "program"], cwd=folder, env=unmeasured() | service.environment | here,
        capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("page", SHELL)
async def test_the_calls_of_a_guide_work(page: str, running: Service, sandbox: Sandbox, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    program = blocks(page, "bash")
    said = await run(running, sandbox, tmp_path, f"{HELPERS}\n{program}", "bash", "-euo", "pipefail")
    assert not [code for code in re.findall(r'"code":"(\w+)"', said) if code not in (PROJECT / page).read_text()]
    assert set(re.findall(r"\| field \w+ +# (\w+)", program)) <= set(said.splitlines())


async def test_the_first_steps_end_with_a_link_and_a_refusal(
    running: Service, sandbox: Sandbox, tmp_path: Path
) -> None:
    said = await run(running, sandbox, tmp_path, blocks("docs/getting-started.md", "bash"), "bash", "-euo", "pipefail")
    assert f"{running.url}/pay/plk_" in said
    assert '"code":"invalid_state"' in said.splitlines()[-1]


async def test_the_first_steps_in_python_end_fulfilled(running: Service, sandbox: Sandbox, tmp_path: Path) -> None:
    said = await run(running, sandbox, tmp_path, blocks("docs/getting-started.md", "python"), sys.executable)
    assert re.fullmatch(r"\S+-0001 is fulfilled\n", said)
