"""The guides' examples, as they stand there, against the running service.

Of each page, all blocks marked `bash` are one script, and so are its Python blocks. A script begins with the helpers
of docs/getting-started.md. Blocks marked `sh` install, start or configure, and are not run here.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.sandbox import PROJECT, Sandbox
from tests.fixtures.service import Service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CLIENT = PROJECT / "clients/python/src"
PATIENCE_S = 150.0


def blocks(page: str, language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", (PROJECT / page).read_text(), re.MULTILINE | re.DOTALL)
    return "\n".join(found)


PAGES = sorted(str(path.relative_to(PROJECT)) for path in [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")])
SHELL = [page for page in PAGES if blocks(page, "bash")]
HELPERS = blocks("docs/getting-started.md", "bash").partition("\n\n")[0]
"""The first block there: where the service is, and the functions that every page uses."""


@pytest.fixture
def folder(lasting_service: Service, tmp_path: Path) -> Path:
    """The service's key, where `make run` keeps it."""
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data/dev-api-key").write_text(lasting_service.api_key)
    return tmp_path


async def run(service: Service, sandbox: Sandbox, folder: Path, program: str, *command: str) -> str:
    """What the command writes, given a program in which the addresses are those of `make run`."""
    program = program.replace("http://127.0.0.1:8000", service.url).replace("http://127.0.0.1:8001", sandbox.url)
    (folder / "program").write_text(program)
    here = {"PYTHONPATH": f"{PROJECT}:{CLIENT}", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = await asyncio.to_thread(
        subprocess.run, [*command, "program"], cwd=folder, env=os.environ | service.environment | here,
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("page", SHELL)
async def test_the_calls_of_a_guide_work(page: str, lasting_service: Service, sandbox: Sandbox, folder: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    program = blocks(page, "bash")
    said = await run(lasting_service, sandbox, folder, f"{HELPERS}\n{program}", "bash", "-euo", "pipefail")
    refusals = re.findall(r'"type":"about:blank".*?"code":"(\w+)"', said)
    assert not [code for code in refusals if code not in (PROJECT / page).read_text()]
    assert set(re.findall(r"\| field \w+ +# (\w+)", program)) <= set(said.splitlines())


async def test_the_first_steps_end_with_a_link_and_a_refusal(
    lasting_service: Service, sandbox: Sandbox, folder: Path
) -> None:
    said = await run(
        lasting_service, sandbox, folder, blocks("docs/getting-started.md", "bash"), "bash", "-euo", "pipefail"
    )
    assert f"{lasting_service.url}/pay/plk_" in said
    refusal = json.loads(said.splitlines()[-1])
    quoted = json.loads(blocks("docs/getting-started.md", "json"))
    assert refusal | quoted | {"request_id": ""} == refusal | {"request_id": ""}


async def test_the_first_steps_in_python_end_fulfilled(
    lasting_service: Service, sandbox: Sandbox, folder: Path
) -> None:
    said = await run(lasting_service, sandbox, folder, blocks("docs/getting-started.md", "python"), sys.executable)
    assert re.fullmatch(r"\S+-0001 is fulfilled\n", said)
