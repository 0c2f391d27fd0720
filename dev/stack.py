"""The parts of the stack: the command of each, and its readiness probe.

The supervisor starts, stops and watches them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
from pathlib import Path

import httpx

from dev.environment import Environment, SettingsError

Command = list[str | Path]

_POLL_S = 0.05
_PORT_GRACE_S = 3.0  # a predecessor that was killed may still be closing


def service(*arguments: str) -> Command:
    return [sys.executable, "-m", "app.cli", *arguments]


def sandbox(environment: Environment) -> Command:
    where: Command = ["--port", str(environment.sandbox_port), "--state", environment.data_dir / "sandbox.sqlite3"]
    webhooks: Command = ["--webhook-url", f"{environment.api_url}/webhooks/stripe"]
    secret = f"@{environment.webhook_secret_file}"
    return [sys.executable, "-m", "offline_stripe", *where, *webhooks, "--webhook-secret", secret]


async def answers(url: str) -> None:
    """Return when a GET is answered with 200. The caller cancels it when the process has died."""
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):  # not listening yet
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(_POLL_S)


async def require_free_port(host: str, port: int, setting: str) -> None:
    """Raise an error that names the port in use and the setting that changes it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PORT_GRACE_S
    while (problem := _bind_problem(host, port)) is not None:
        if problem.errno != errno.EADDRINUSE:
            raise SettingsError(f"cannot listen on {host}:{port} ({setting}): {problem.strerror}")
        if loop.time() > deadline:
            raise SettingsError(
                f"port {port} ({setting}) is in use by another program: stop it, or choose another port, "
                f"for example `{setting}={port + 100} make run`"
            )
        await asyncio.sleep(_POLL_S)


def _bind_problem(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return problem
    return None
