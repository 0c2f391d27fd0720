"""The lock files of npm: they hold on every machine."""

import json
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = sorted(
    str(lock.relative_to(PROJECT))
    for folder in ("bench", "clients", "examples", "sandbox", "tests")
    for lock in (PROJECT / folder).rglob("package-lock.json")
    if "node_modules" not in lock.parts
)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry_and_has_every_hash(lock: str) -> None:
    packages = json.loads((PROJECT / lock).read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [name for name, package in packages.items() if name and "integrity" not in package]


def test_every_front_end_has_a_lock() -> None:
    assert {
        "clients/typescript/package-lock.json",
        "examples/react/package-lock.json",
        "examples/spa/package-lock.json",
    } <= set(LOCKS)
