"""The pytest plugin: `stripe_sandbox` is an account of its own for each test, on one server for the run.

    def test_paid(stripe_sandbox):
        stripe = StripeClient(stripe_sandbox.secret_key, base_addresses={"api": stripe_sandbox.url})
        ...
        assert stripe_sandbox.webhooks.wait_for("invoice.paid").object["status"] == "paid"

With OFFLINE_STRIPE_URL the tests use a sandbox that runs already, and start none.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from offline_stripe.commands import server
from offline_stripe.commands.client import JSON, Client, checked_url

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it arrived. `body` and `headers` are what a handler of yours would verify."""

    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    event: JSON

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def object(self) -> JSON:
        """The object that the event is about."""
        return dict(self.event["data"]["object"])

    @property
    def signature(self) -> str:
        return self.headers["stripe-signature"]


class Webhooks:
    """The deliveries of one account, in the order in which they arrived."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self.deliveries: list[Delivery] = []

    @property
    def types(self) -> list[str]:
        return [delivery.type for delivery in self.deliveries]

    def __iter__(self) -> Iterator[Delivery]:
        return iter([*self.deliveries])

    def __len__(self) -> int:
        return len(self.deliveries)

    def clear(self) -> None:
        """Forget what has arrived so far."""
        with self._arrived:
            self.deliveries.clear()

    def wait_for(self, kind: str, *, timeout: float = PATIENCE_S, count: int = 1) -> Delivery:
        """The `count`th delivery of a type, once it is here. Raises AssertionError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while True:
                found = [delivery for delivery in self.deliveries if delivery.type == kind]
                if len(found) >= count:
                    return found[count - 1]
                if not self._arrived.wait(max(0.0, deadline - time.monotonic())):
                    arrived = ", ".join(self.types) or "nothing"
                    raise AssertionError(
                        f"{len(found)} of {count} {kind} within {timeout:g} s; what arrived: {arrived}"
                    )

    def take(self, delivery: Delivery) -> None:
        with self._arrived:
            self.deliveries.append(delivery)
            self._arrived.notify_all()


class StripeSandbox:
    """What a test gets: an account of the sandbox, and what arrives from it."""

    def __init__(self, root: Client, made: JSON, webhooks: Webhooks, receiver_url: str) -> None:
        self.url = root.url
        self.account: str = made["id"]
        self.secret_key: str = made["secret_key"]
        self.publishable_key: str = made["publishable_key"]
        self.webhooks = webhooks
        self._client = Client(root.url, self.secret_key)
        endpoint = self.control("POST", "webhooks/endpoint", url=f"{receiver_url}/{self.account}")
        self.webhook_secret: str = endpoint["secret"]

    def control(self, method: str, path: str, **sent: Any) -> JSON:
        """A control call about this account, such as `control("POST", "payment_intents/pi_…/settle")`."""
        return self._client.control(method, path, **sent)

    def advance(self, seconds: float) -> None:
        """Move the account's clock. What becomes due on the way is done."""
        self.control("POST", "clock", advance_s=seconds)

    def deliver_to(self, url: str) -> str:
        """Deliver this account's events to an endpoint of yours as well. Returns the secret that signs them."""
        return str(self.control("POST", "webhooks/endpoint", url=url)["secret"])

    @contextmanager
    def fault(self, method: str = "*", path: str = "*", *, kind: str = "status", **details: Any) -> Iterator[Fault]:
        """Calls fail while the block runs: `with stripe_sandbox.fault("POST", "/v1/invoices/*/pay", status=503):`."""
        made = self.control("POST", "faults", match={"method": method, "path": path}, kind=kind, **details)
        fault = Fault(self, made["id"])
        try:
            yield fault
        finally:
            fault.end()


class Fault:
    """A fault that is in force, or was."""

    def __init__(self, sandbox: StripeSandbox, identifier: int) -> None:
        self._sandbox = sandbox
        self._identifier = identifier
        self._struck: int | None = None

    @property
    def struck(self) -> int:
        """How many calls it met."""
        if self._struck is not None:
            return self._struck
        faults = self._sandbox.control("GET", "faults")["faults"]
        return next(int(fault["struck"]) for fault in faults if fault["id"] == self._identifier)

    def end(self) -> None:
        self._struck = int(self._sandbox.control("DELETE", f"faults/{self._identifier}")["struck"])


class Receiver:
    """Takes the deliveries of all accounts; the path says whose they are."""

    def __init__(self) -> None:
        self.inboxes: dict[str, Webhooks] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.inboxes))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(inboxes: dict[str, Webhooks]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox = inboxes.get(self.path.strip("/"))
            if inbox is not None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                inbox.take(Delivery(body, headers, json.loads(body)))
            self.send_response(404 if inbox is None else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


@pytest.fixture(scope="session")
def stripe_sandbox_server() -> Iterator[str]:
    """The address of the server that all accounts of this run are on."""
    running = os.environ.get("OFFLINE_STRIPE_URL")
    if running:
        yield checked_url(running)
        return
    with server.running() as url:
        yield url


@pytest.fixture(scope="session")
def stripe_sandbox_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def stripe_sandbox(stripe_sandbox_server: str, stripe_sandbox_receiver: Receiver) -> Iterator[StripeSandbox]:
    """A fresh account of an offline Stripe."""
    root = Client(stripe_sandbox_server)
    made = root.control("POST", "accounts")
    inbox = stripe_sandbox_receiver.inboxes[made["id"]] = Webhooks()
    yield StripeSandbox(root, made, inbox, stripe_sandbox_receiver.url)
    root.control("DELETE", f"accounts/{made['id']}")
    del stripe_sandbox_receiver.inboxes[made["id"]]
