"""Python processes that start warm: forked from one that has imported their modules.

It starts the parent (`warm_parent`) and talks to forked processes. The caller decides which processes may start so:
what modules read while they are imported was read by the parent.

Starting Python with the service's imports takes one and a half seconds of processor time, and two and a half with
coverage; a fork takes a hundredth. A forked process is otherwise ordinary: it has its own pid, session, environment,
folder and files, is killed by signals, and ends with its parent.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from dev.processes import Child, Running

POSSIBLE = hasattr(os, "pidfd_open")


class Warm:
    """A parent that has imported `modules`. It ends when this process does.

    `shared`: the path of a socket in a folder that nobody else may enter. All processes that name it share one parent, and it ends with the last of them.
    """

    def __init__(self, *modules: str, env: Mapping[str, str], cwd: Path, shared: Path | None = None) -> None:
        def start(theirs: socket.socket) -> None:
            parent = subprocess.Popen(
                [sys.executable, "-m", "dev.warm_parent", str(theirs.fileno()), *modules],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a Ctrl-C reaches whoever started it alone
            )
            parent.returncode = 0  # nobody waits for it: no warning about that

        if shared is None:
            self.asked, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                start(theirs)
            return
        self.asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with shared.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                self.asked.connect(str(shared))
            except (FileNotFoundError, ConnectionRefusedError):
                shared.unlink(missing_ok=True)
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
                    listening.bind(str(shared))
                    listening.listen()
                    start(listening)
                self.asked.connect(str(shared))


class Forked:
    """A forked process that runs a module, with the methods of `subprocess.Popen` that `Child` uses."""

    def __init__(
        self,
        warm: Warm,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        out: IO[bytes],
        err: IO[bytes],
    ) -> None:
        message = json.dumps({"command": command, "env": dict(env), "cwd": str(cwd)}).encode()
        self._told, theirs = socket.socketpair()
        with theirs, Path(os.devnull).open("rb") as nothing:
            socket.send_fds(warm.asked, [message], [it.fileno() for it in (theirs, nothing, out, err)])
        self._status: int | None = None
        self.pid = int(self._line() or 0)
        if not self.pid:
            raise RuntimeError("the parent of warm processes has ended; what it said is above")

    def _line(self) -> bytes:
        said = b""
        while not said.endswith(b"\n") and (more := self._told.recv(1)):
            said += more
        return said

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit status."""
        if self._status is None:
            self._told.settimeout(timeout)
            try:
                said = self._line()
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired("a warm process", timeout or 0) from None
            self._told.close()
            self._status = int(said or -signal.SIGKILL)
        return self._status

    def send_signal(self, sign: int) -> None:
        """Send it, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # its end is not told yet
                os.kill(self.pid, sign)


class WarmChild(Child):
    """A `Child` whose command is a module and its arguments."""

    def __init__(
        self, warm: Warm, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path
    ) -> None:
        self._warm = warm
        super().__init__(name, command, env=env, log=log, cwd=cwd)

    def _begin(
        self, command: list[str], env: Mapping[str, str] | None, cwd: Path | None, output: IO[bytes] | None
    ) -> Running:
        if env is None or cwd is None or output is None:
            raise ValueError("what is not given would be the parent's")
        return Forked(self._warm, command, env=env, cwd=cwd, out=output, err=output)
