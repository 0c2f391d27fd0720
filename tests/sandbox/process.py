"""One sandbox as a real process on a free port, and its control calls.

It is started and stopped here. Everything else a test does goes over the wire.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import stripe

from dev.processes import Running
from dev.warm import POSSIBLE, Forked, Warm
from tests.fixtures.ports import find_free_port
from tests.sandbox.specification import violations

PROJECT = Path(__file__).resolve().parents[2]
SECRET_KEY = "sk_test_sandbox"
PUBLISHABLE_KEY = "pk_test_sandbox"
MODULE = "tests.sandbox.recording"


@functools.cache
def _parent() -> Warm:
    """What has imported the sandbox: many are started, and importing it takes longer than most of them live."""
    return Warm(MODULE, env=os.environ, cwd=PROJECT)


def _started(*arguments: str) -> Running:
    command = [MODULE, *arguments]
    if not POSSIBLE:
        return subprocess.Popen([sys.executable, "-m", *command], cwd=PROJECT)
    with os.fdopen(1, "wb", closefd=False) as out, os.fdopen(2, "wb", closefd=False) as err:
        return Forked(_parent(), command, env=os.environ, cwd=PROJECT, out=out, err=err)


class RunningSandbox:
    """A sandbox process; `v1` is the sync SDK client's services."""

    def __init__(self, *arguments: str, port: int | None = None) -> None:
        self.port = port or find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = _started("--port", str(self.port), *arguments)
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=30)
        self._wait()
        self.client = self.client_with(SECRET_KEY)
        self.v1 = self.client.v1

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            if (status := self._process.poll()) is not None:
                raise RuntimeError(f"the sandbox ended with {status}")
            try:
                self.http.get("/_sandbox/health").raise_for_status()
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)  # nothing announces that a port has been opened
            else:
                return

    def client_with(self, key: str, **options: Any) -> stripe.StripeClient:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, **options)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.http.close()
        self._process.send_signal(how)
        return self._process.wait(timeout=10)

    # Control calls

    def control(self, method: str, path: str, /, **sent: Any) -> Any:
        if method == "GET":
            answer = self.http.get(f"/_sandbox/{path}", params=sent)
        else:
            answer = self.http.request(method, f"/_sandbox/{path}", json=sent or None)
        assert answer.is_success, answer.text
        return answer.json()

    def reset(self) -> None:
        self.control("POST", "reset")

    def recorded(self) -> list[dict[str, Any]]:
        """Every exchange and event since the last time."""
        found: list[dict[str, Any]] = self.http.get("/_recorded").json()
        return found

    def violations(self) -> list[str]:
        """What of that Stripe's OpenAPI document does not allow, each once."""
        return sorted({each for exchange in self.recorded() for each in violations(exchange)})

    def fault(self, kind: str, path: str = "*", method: str = "*", **details: Any) -> Any:
        return self.control("POST", "faults", kind=kind, match={"method": method, "path": path}, **details)

    def switch(self, **values: Any) -> None:
        self.control("POST", "switches", **values)

    def advance(self, seconds: float) -> Any:
        return self.control("POST", "clock", advance_s=seconds)

    def idle(self, **how: Any) -> Any:
        state = self.control("GET", "webhooks/idle", **how)
        assert state["idle"], state
        return state

    def requests(self, **which: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "requests", **which)["requests"]
        return found

    def post(self, path: str, body: str = "", *, key: str | None = SECRET_KEY, **headers: str) -> httpx.Response:
        """A raw call, as curl would make it."""
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.http.post(path, content=body, headers=headers)

    def get(self, path: str, *, key: str | None = SECRET_KEY, **params: str) -> httpx.Response:
        return self.http.get(path, params=params, headers={"Authorization": f"Bearer {key}"} if key else {})

    # Events

    def event_types(self, since: int = 0) -> list[str]:
        """Every event's type, oldest first."""
        events = [str(event.type) for event in self.v1.events.list({"limit": 100}).auto_paging_iter()]
        return events[::-1][since:]


stripe.enable_telemetry = False
