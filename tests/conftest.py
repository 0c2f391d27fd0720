"""What every test may ask for. The fixtures live in `tests/fixtures/`, a module per thing they own; read their heads."""

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from dev.environment import past_the_proxy

# What tests talk to is on loopback: no proxy of this machine is asked, by them or by what they start.
os.environ.update(past_the_proxy(os.environ))

# Compiled modules are kept, also where PYTHONDONTWRITEBYTECODE is set: without them each process starts three times as long.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What is imported lives to the end: the collector need not look at it again and again. See pytest_collection_finish.
gc.disable()

# Before anything of the service is imported.
if "COVERAGE_TO" in os.environ:
    from tests import measuring

# Their assertions say what differs, whoever imports them first.
pytest.register_assert_rewrite("tests.fixtures", "tests.lab.truth", "tests.lab.money")

# How long an example takes says something about the machine, and nothing about what is tested.
settings.register_profile("patient", parent=settings(), deadline=None)
settings.load_profile("patient")

pytest_plugins = [f"tests.fixtures.{name}" for name in ("collecting", "ports", "waiting")]

ALONE = {"unit", "architecture"}
"""Folders whose tests need no other fixtures: importing those takes longer than most of these tests."""
OF_THE_STACK = (
    "postgres",
    "network",
    "pooler",
    "sandbox",
    "service",
    "balancer",
    "application",
    "identity",
    "caller",
    "stage",
    "shell",
    "image",
    "mail",
    "consumer",
    "watching",
    "prometheus",
    "guide",
)


def pytest_sessionstart(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        os.environ["TESTS_FOLDER_OF_THE_RUN"] = str(factory.getbasetemp().parent)  # see tests/fixtures/warm.py


@pytest.hookimpl(tryfirst=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    """Load the fixtures of the stack before the first module that may ask for them."""
    if file_path.match("test_*.py") and file_path.parent.name not in ALONE:
        for name in OF_THE_STACK:
            parent.config.pluginmanager.import_plugin(f"tests.fixtures.{name}")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000)


def pytest_sessionfinish() -> None:
    if "COVERAGE_TO" in os.environ:
        measuring.WRITING.note()  # xdist's workers end without atexit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that are given more time than others, so that none of them is what is waited for at the end."""

    def given(item: pytest.Item) -> float:
        marker = item.get_closest_marker("timeout")
        return float(marker.args[0]) if marker and marker.args else 0.0

    items.sort(key=given, reverse=True)
