"""The embedded PostgreSQL where paths are long: its socket is elsewhere then, and stays there."""

import fcntl
import os
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from dev.postgres import FOR_TESTS, PostgresServer
from tests.fixtures.postgres import _start_keeper, locked
from tests.fixtures.postgres_keeper import USERS

pytestmark = pytest.mark.e2e


@pytest.fixture
def long_folder(tmp_path: Path) -> Path:
    """A folder in which a socket's path would be too long for the kernel."""
    folder = tmp_path / "a folder of somebody's own" / ("n" * 80)
    folder.mkdir(parents=True)
    return folder


async def one(url: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT 1")
    finally:
        await connection.close()


async def test_the_address_stays_the_same_over_a_stop_and_a_crash(long_folder: Path) -> None:
    server = PostgresServer(long_folder / "postgres", options=FOR_TESTS)
    url = server.url()
    socket_dir = server.socket_dir
    try:
        server.start()
        assert await one(url) == 1
        server.stop()
        server.start()
        assert await one(url) == 1
        server.crash()
        server.start()
        assert await one(url) == 1
    finally:
        server.stop()
        server.clean_up()
    assert server.data not in socket_dir.parents
    assert not socket_dir.exists()


def test_a_long_temporary_folder_is_not_used_for_the_socket(long_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(long_folder))
    server = PostgresServer(long_folder / "postgres")
    try:
        assert len(str(server.socket_dir)) < 80
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    finally:
        server.clean_up()


def aged(folder: Path) -> Path:
    """A folder as a process that was killed two hours ago leaves it."""
    folder.mkdir()
    two_hours_ago = time.time() - 7200
    os.utime(folder, (two_hours_ago, two_hours_ago))
    return folder


def test_folders_that_killed_processes_left_are_removed_and_those_in_use_are_not(
    long_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        left, young, used = [Path(short) / f"invoicing-pg-{name}" for name in ("left", "young", "used")]
        aged(left)
        young.mkdir()
        used.mkdir()
        (used / ".s.PGSQL.5432").touch()
        os.utime(used, (0, 0))
        half_made = aged(long_folder / ".postgres-12345678")
        server = PostgresServer(long_folder / "postgres")
        assert server.socket_dir.parent == Path(short)
        server.initialize()
        assert [one.exists() for one in (left, young, used, half_made)] == [False, True, True, False]


async def test_the_tests_own_server_is_found_where_its_keeper_put_it(long_folder: Path) -> None:
    with locked(long_folder / USERS, fcntl.LOCK_SH):
        found = _start_keeper(long_folder)
        server = PostgresServer(long_folder / "server", socket_dir=found)
        assert parse_qs(urlsplit(server.url()).query)["host"] == [str(found)]
        assert await one(server.url()) == 1
