"""Performs checks at one place: at Stripe, or in an account of a sandbox made for the check."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from offline_stripe.commands.client import JSON, Answer, Client, UnusableError
from offline_stripe.commands.steps import OK, Step, filled
from offline_stripe.oracle.checks import Check
from offline_stripe.oracle.comparing import Form

SLOW_S = 2.0
SETTLED_S = 3.0
PATIENCE_S = 120.0
PAGE = 100


class Receiver:
    """An endpoint for the checks of deliveries: its path says how it answers. `url` is how Stripe reaches it."""

    def __init__(self, port: int = 0, url: str | None = None) -> None:
        self._arrived: list[JSON] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self._arrived))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = url or f"http://127.0.0.1:{self._server.server_address[1]}"

    def taken(self) -> list[JSON]:
        """What arrived since the last time."""
        taken = [*self._arrived]
        self._arrived.clear()
        return taken

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(arrived: list[JSON]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            signed = int(self.headers["Stripe-Signature"].partition(",")[0].removeprefix("t="))
            arrived.append({"days_ahead": round((signed - time.time()) / 86_400)})
            if self.path.endswith("/slow"):
                time.sleep(SLOW_S)
            self.send_response(500 if self.path.endswith("/500") else 200)
            self.send_header("Content-Length", "0")
            with suppress(OSError):
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


@dataclass(slots=True)
class Place:
    """Where checks are performed. A sandbox gets an account for each check; Stripe has the key's."""

    client: Client
    sandbox: bool
    receiver: Receiver | None = None
    slow: bool = False

    def can(self, check: Check) -> bool:
        if check.needs == "receiver":
            return self.receiver is not None
        return check.needs != "time" or self.sandbox or self.slow

    def perform(self, check: Check, switches: Mapping[str, object] | None = None) -> JSON:
        """Perform a check, with some switches set if this is a sandbox. Returns its form."""
        if not self.sandbox:
            return _perform(self, self.client, check)
        made = self.client.control("POST", "accounts")
        client = Client(self.client.url, made["secret_key"])
        try:
            if switches:
                client.control("POST", "switches", **switches)
            return _perform(self, client, check)
        finally:
            self.client.control("DELETE", f"accounts/{made['id']}")


def _perform(place: Place, client: Client, check: Check) -> JSON:
    start = int(time.time())
    before = client.call("GET", "/v1/events", {"limit": 1}).body.get("data", [])
    known: dict[str, JSON] = {"start": {"now": start, "key": str(uuid4())}}
    if place.receiver is not None:
        place.receiver.taken()
        known["receiver"] = {"url": place.receiver.url}
    form, steps = Form(start, known["start"]["key"]), {}
    for step in check.steps:
        answer = _step(place, client, step, known)
        if answer is None:
            continue
        known[step.name] = answer.body
        steps[step.name] = {"status": answer.status, "body": form.of(answer.body)}
        if answer.status != OK and not step.refused:
            break  # what comes after it would not say more
    return {"steps": steps, "events": _events(place, client, before, known)}


def _step(place: Place, client: Client, step: Step, known: dict[str, JSON]) -> Answer | None:
    path, params = filled(step.path, known), filled(step.params, known)
    match step.method:
        case "WAIT":
            _wait(place, client, float(path))
            return None
        case "SEEN":
            return Answer(OK, {"deliveries": place.receiver.taken() if place.receiver else []})
        case "ADVANCE":
            _advance(place, client, path, known["clock"]["frozen_time"] + params["seconds"])
            return None
    key = params.pop("idempotency_key", None)
    return client.call(step.method, path, params, idempotency_key=key)


def _wait(place: Place, client: Client, seconds: float) -> None:
    if not place.sandbox:
        time.sleep(seconds)
        return
    client.control("GET", "webhooks/idle?timeout_s=10")
    client.control("POST", "clock", advance_s=seconds)
    client.control("GET", "webhooks/idle?timeout_s=10")


def _advance(place: Place, client: Client, path: str, moment: int) -> None:
    answer = client.call("POST", path, {"frozen_time": moment})
    clock = path.removesuffix("/advance")
    deadline = time.monotonic() + PATIENCE_S
    while answer.status == OK and answer.body["status"] != "ready" and time.monotonic() < deadline:
        if place.sandbox:
            client.control("POST", "clock", advance_s=0)
        else:
            time.sleep(1)
        answer = client.call("GET", clock)
    if answer.status != OK:
        raise UnusableError(f"the test clock does not move: {answer.body['error']['message']}")


def _events(place: Place, client: Client, before: list[JSON], known: Mapping[str, JSON]) -> dict[str, int]:
    """How many events there are of each type about what the check made; they have no promised order."""
    ids = {str(body["id"]) for body in known.values() if "id" in body}
    found: list[JSON] = []
    since = time.monotonic()
    while True:
        newer = _since(client, before)
        if len(newer) != len(found):
            since = time.monotonic()
        found = newer
        if place.sandbox or time.monotonic() - since > SETTLED_S:
            return dict(Counter(event["type"] for event in found if _about(event["data"]["object"], ids)))
        time.sleep(0.5)


def _since(client: Client, before: list[JSON]) -> list[JSON]:
    """All events after the newest one there was."""
    found: list[JSON] = []
    last = before[0]["id"] if before else None
    params: dict[str, Any] = {"limit": PAGE}
    while True:
        page = client.call("GET", "/v1/events", params).body["data"]
        for event in page:
            if event["id"] == last:
                return found
            found.append(event)
        if len(page) < PAGE:
            return found
        params["starting_after"] = page[-1]["id"]


def _about(value: Any, ids: set[str]) -> bool:
    if isinstance(value, dict):
        return any(_about(item, ids) for item in value.values())
    if isinstance(value, list):
        return any(_about(item, ids) for item in value)
    return value in ids
