"""One child process, in its own session, that cannot outlive its parent.

It starts the process with a log file, stops it (first politely), and describes its exit status.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":  # elsewhere a SIGKILL of the parent leaves children behind; the next start stops them
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(sign: signal.Signals, parent: int | None = None) -> None:
    """Ask the kernel for `sign` when the parent's thread that forked us ends, however it ends."""
    _prctl(_PR_SET_PDEATHSIG, sign)
    if parent is not None and os.getppid() != parent:  # it died before we could ask
        os.kill(os.getpid(), sign)


def adopt_orphans() -> None:
    """Become the parent of orphaned grandchildren, so that they can be reaped here."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def reap_orphans(within: float) -> None:
    """Collect adopted processes that have ended. Call it when every `Child` is down."""
    deadline = time.monotonic() + within
    with contextlib.suppress(ChildProcessError):  # raised when there is nobody left to wait for
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)


def _in_child(parent: int, sign: signal.Signals) -> Callable[[], None]:
    return lambda: die_with_parent(sign, parent)


class Running(Protocol):
    """The interface of a started process."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sign: int, /) -> None: ...


class Child:
    """A child process.

    Start it from a thread that lives as long as the child should, as the kernel ties it to that thread.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self.stop_signal = stop_signal
        self.expected_to_end = False
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("ab")) if log else None
            self._process = self._begin([str(part) for part in command], env, cwd, output)

    def _begin(
        self, command: list[str], env: Mapping[str, str] | None, cwd: Path | None, output: IO[bytes] | None
    ) -> Running:
        return subprocess.Popen(
            command,
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which stops everything in order
            preexec_fn=_in_child(os.getpid(), self.stop_signal),  # noqa: PLW1509 - only system calls
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that killed it."""
        return self._process.poll()

    def wait(self, within: float | None = None) -> int:
        return self._process.wait(within)

    def send(self, sign: signal.Signals) -> None:
        if self.exit_status is None:
            self._process.send_signal(sign)

    def ask_to_stop(self) -> None:
        self.expected_to_end = True
        self.send(self.stop_signal)

    def kill(self) -> int:
        """End it and everything in its session, now."""
        self.expected_to_end = True
        self.send(signal.SIGKILL)
        status = self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        return status

    def stop(self, within: float = 10) -> int:
        """Ask it to end, wait, then kill it."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within)
        return self.kill()

    def last_lines(self, count: int = 15) -> list[str]:
        if self.log is None or not self.log.exists():
            return []
        return self.log.read_text(errors="replace").splitlines()[-count:]


def describe_exit(status: int) -> str:
    """Describe an exit status in words."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
