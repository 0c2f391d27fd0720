"""A pytest plugin: the service, its database and the offline Stripe, for the tests of a program that calls the service.

    def test_an_order_is_shipped_once_it_is_paid(invoicing_stack):
        customer = invoicing_stack.client.customers.create(name="Jenny Rosen")

It needs a checkout of the service in which `make run` worked once: `pytest --invoicing-checkout ../invoicing`, or
INVOICING_CHECKOUT. One stack serves all tests of a run, with a database and ports of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ._client import AsyncInvoicing, Invoicing

START_S = 90.0
STOP_S = 30.0
ENVIRONMENT = "INVOICING_CHECKOUT"


class StackFailed(Exception):
    """The stack did not start; the message ends with what it said."""


class Stack:
    """A running stack: the service with its worker, its database, and the offline Stripe."""

    def __init__(self, url: str, api_key: str, stripe_url: str) -> None:
        self.url = url
        self.api_key = api_key
        self.stripe_url = stripe_url
        self.client = Invoicing(url, api_key)
        self._control = httpx.Client(base_url=f"{stripe_url}/_sandbox", timeout=30, trust_env=False)

    def async_client(self) -> AsyncInvoicing:
        """A client for asyncio; close it yourself."""
        return AsyncInvoicing(self.url, self.api_key)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Any control call of the offline Stripe: settle a debit, open a dispute, let events fail."""
        response = self._control.request(method, path, json=body)
        response.raise_for_status()
        return response.json()

    def settled(self, timeout_s: float = 20.0) -> None:
        """Wait until Stripe has delivered all its events."""
        if not self.control("POST", f"/webhooks/idle?timeout_s={timeout_s}")["idle"]:
            raise TimeoutError(f"events are still undelivered after {timeout_s} s")

    def advance(self, seconds: float) -> None:
        """Let time pass at Stripe; everything that becomes due there happens, and its events are delivered."""
        self.control("POST", "/clock", {"advance_s": seconds})
        self.settled()

    @contextlib.contextmanager
    def fault(self, **rule: Any) -> Iterator[None]:
        """Let Stripe fail: `fault(match={"path": "/v1/invoices/*/pay"}, kind="status", times=1)`."""
        self.control("POST", "/faults", rule)
        try:
            yield
        finally:
            self.control("DELETE", "/faults")

    @contextlib.contextmanager
    def events(self, **mode: Any) -> Iterator[None]:
        """Let Stripe's events misbehave: `events(duplicate=2, shuffle=True)`, `events(hold=True)`, `events(drop=1.0)`.

        Afterwards what was held or dropped is delivered.
        """
        before = self.control("GET", "/webhooks/mode")
        self.control("POST", "/webhooks/mode", mode)
        try:
            yield
        finally:
            self.control("POST", "/webhooks/mode", before)
            self.control("POST", "/webhooks/release")
            self.control("POST", "/webhooks/retry")

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        self._control.close()


@contextlib.contextmanager
def stack(checkout: Path) -> Iterator[Stack]:
    """Start a stack from a checkout of the service, and stop it afterwards. Raises StackFailed."""
    python = checkout / ".venv" / "bin" / "python"
    if not python.exists():
        raise StackFailed(f"{checkout} is no checkout in which `make run` worked: {python} is not there")
    with tempfile.TemporaryDirectory(prefix="invoicing-") as data, _ports(2) as (port, stripe_port):
        mine = {"DATA_DIR": data, "PORT": str(port), "SANDBOX_PORT": str(stripe_port)}
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "DATABASE_"))}
        log = Path(data) / "stack.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [python, "-m", "dev.run", "--with-parent", "--no-demo", "--env-file", os.devnull],
                cwd=checkout, env=outer | mine, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, url, log)
            running = Stack(url, (Path(data) / "dev-api-key").read_text().strip(), f"http://127.0.0.1:{stripe_port}")
            with contextlib.closing(running):
                yield running
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise StackFailed(f"the stack did not start:\n{log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def _ports(many: int) -> Iterator[list[int]]:
    with contextlib.ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(many)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        numbers = [one.getsockname()[1] for one in found]
    yield numbers


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the service's checkout is."""
    parser.addoption("--invoicing-checkout", help=f"the checkout of the invoicing service; or {ENVIRONMENT}")


@pytest.fixture(scope="session")
def invoicing_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The running stack, one for all tests of a run."""
    where = request.config.getoption("--invoicing-checkout") or os.environ.get(ENVIRONMENT)
    if not where:
        pytest.fail(f"say where the invoicing service is: --invoicing-checkout, or {ENVIRONMENT}")
    with stack(Path(where).resolve()) as running:
        yield running
