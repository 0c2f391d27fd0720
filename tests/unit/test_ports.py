"""A port that a test run was given is nobody else's on this machine, and a server may listen on it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.fixtures.ports import _reserve, find_free_port

PROJECT = Path(__file__).resolve().parents[2]


def reserved_elsewhere(port: int) -> bool:
    """Whether another process gets the port."""
    command = "import sys; from tests.fixtures.ports import _reserve; sys.exit(not _reserve(int(sys.argv[1])))"
    return subprocess.run([sys.executable, "-c", command, str(port)], cwd=PROJECT, check=False).returncode == 0


def test_no_other_process_is_given_the_port_and_a_server_may_listen_on_it() -> None:
    port = find_free_port()
    assert not reserved_elsewhere(port)
    assert not _reserve(port)
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
        assert not reserved_elsewhere(port)
    with socket.create_server(("127.0.0.1", port)):
        pass  # listened on again, as by a service that is restarted


def test_nobody_is_reached_at_a_port_on_which_nobody_listens_yet() -> None:
    with socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", find_free_port())) != 0


def test_a_reservation_leaves_nothing_in_the_temporary_folder_that_users_share(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from tests.fixtures.ports import find_free_port; find_free_port()"]
    subprocess.run(command, cwd=PROJECT, env=os.environ | {"TMPDIR": str(tmp_path)}, check=True)
    assert not list(tmp_path.iterdir())
