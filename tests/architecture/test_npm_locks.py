"""The lock files of npm: they hold on every machine."""

import json
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LISTED = subprocess.run(
    ["git", "ls-files", "*package-lock.json"], cwd=PROJECT, capture_output=True, text=True, check=True
)
LOCKS = LISTED.stdout.split()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry_and_has_every_hash(lock: str) -> None:
    packages = json.loads((PROJECT / lock).read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [name for name, package in packages.items() if name and "integrity" not in package]


def test_every_front_end_has_a_lock() -> None:
    assert {"examples/react/package-lock.json", "examples/spa/package-lock.json"} <= set(LOCKS)
