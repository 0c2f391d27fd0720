"""A server of one's own, as a process, for as long as a block runs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from offline_stripe.commands.client import Client, UnusableError

PATIENCE_S = 30.0
READY = "offline-stripe: "


@contextmanager
def running() -> Iterator[str]:
    """The address of a server on a free port, which answers by then."""
    command = [sys.executable, "-m", "offline_stripe", "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603 (this package)
    if process.stderr is None:
        raise RuntimeError("the server's first line cannot be read")
    with process, process.stderr as said:
        try:
            first = said.readline()
            if not first.startswith(f"{READY}http"):
                raise UnusableError(f"the server did not start: {first.strip()}")
            drained = threading.Thread(target=said.read, daemon=True)
            drained.start()
            url = first.removeprefix(READY).partition(",")[0]
            _wait(Client(url))
            yield url
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
        drained.join(PATIENCE_S)


def _wait(client: Client) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.control("GET", "health")
        except UnusableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)  # it says where it will listen just before it does
        else:
            return
