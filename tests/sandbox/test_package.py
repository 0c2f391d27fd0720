"""The package offline-stripe: its wheel, its lock, its container, its examples."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import offline_stripe
from tests.sandbox.process import PROJECT, RunningSandbox
from tests.sandbox.test_lifecycle_node import node_client

__all__ = ["node_client"]
PACKAGE = PROJECT / "sandbox"
EXAMPLES = PACKAGE / "examples"
META = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=source, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_has_all_that_the_program_reads(wheel: zipfile.ZipFile) -> None:
    inside = {*wheel.namelist()}
    source = {
        str(path.relative_to(PACKAGE))
        for path in (PACKAGE / "offline_stripe").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert source == {name for name in inside if name.startswith("offline_stripe/")}
    entry_points = next(wheel.read(name).decode() for name in inside if name.endswith("entry_points.txt"))
    assert "offline-stripe = offline_stripe.cli:main" in entry_points
    assert "offline-stripe = offline_stripe.pytest_plugin" in entry_points
    described = Parser().parsestr(next(wheel.read(name).decode() for name in inside if name.endswith("METADATA")))
    assert (described["Name"], described["Version"]) == ("offline-stripe", offline_stripe.__version__)
    assert described["Requires-Python"] == ">=3.11"
    assert "stripe_sandbox" in described.get_payload()


def test_the_lock_holds_what_the_package_needs() -> None:
    lock = (PACKAGE / "requirements.txt").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)(?:\[\w+\])?==(\S+)", lock, re.MULTILINE))
    needed = {re.split(r"[\[=><]", text)[0] for text in META["dependencies"]}
    assert needed <= locked.keys()
    service = (PROJECT / "requirements.txt").read_text()
    assert f"stripe=={locked['stripe']} " in service, "the sandbox speaks the API version of the service's SDK"
    assert "://" not in lock


def test_the_container_is_made_of_what_its_context_lets_in() -> None:
    steps = (PACKAGE / "Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", steps, re.MULTILINE) for name in line.split()}
    assert {f"!{name}" for name in copied} <= {*(PACKAGE / ".dockerignore").read_text().split()}
    assert all((PACKAGE / name).exists() for name in copied)
    assert "--require-hashes" in steps
    assert '"--remote-control"' in steps


def run(*command: str, cwd: Path, **settings: str) -> str:
    environment = {**os.environ, "PYTEST_ADDOPTS": "", **settings}
    ran = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_python_example_runs(box: RunningSandbox, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "python" / "test_invoice.py", tmp_path)
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    assert "3 passed" in run(*pytest_, cwd=tmp_path, OFFLINE_STRIPE_URL=box.url)


def test_the_curl_example_runs(box: RunningSandbox) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    said = run("bash", str(EXAMPLES / "curl" / "invoice.sh"), cwd=EXAMPLES, OFFLINE_STRIPE_URL=box.url)
    assert said == "paid: paid\nevents: 1\n"


def test_the_node_example_runs(box: RunningSandbox, node_client: Path) -> None:
    shutil.copy(EXAMPLES / "node" / "invoice.mjs", node_client)
    key = box.control("POST", "accounts")["secret_key"]
    said = run("node", "invoice.mjs", cwd=node_client, OFFLINE_STRIPE_URL=box.url, STRIPE_KEY=key)
    assert said == "declined: card_declined\npaid: 2500\ncustomers of this account: 1\ntold: true\n"


def test_the_readme_s_project_of_ten_lines_passes(box: RunningSandbox, tmp_path: Path) -> None:
    readme = (PACKAGE / "README.md").read_text()
    [example] = re.findall(r"```python\n(# test_invoice\.py\n.*?)```", readme, re.DOTALL)
    assert len(example.splitlines()) <= 14
    (tmp_path / "test_invoice.py").write_text(example)
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    assert "1 passed" in run(*pytest_, cwd=tmp_path, OFFLINE_STRIPE_URL=box.url)
    assert os.environ.get("OFFLINE_STRIPE_URL") is None
