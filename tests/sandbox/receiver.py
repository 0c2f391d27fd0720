"""A webhook endpoint in a thread: it records what arrives and answers what it is told.

It only records: tests verify what came.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """`answers` are given in order, then 200 for ever; `hold` makes it wait until `let_go` is called."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self._gate = threading.Event()
        self._gate.set()
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self.busiest = 0
        self._inside = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._take))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def wait_for(self, kind: str, within: float = 15) -> dict[str, Any]:
        """The first event of this type, once it is here."""
        deadline = time.monotonic() + within
        with self._arrived:
            while kind not in self.types:
                assert self._arrived.wait(deadline - time.monotonic()), f"no {kind} among {self.types}"
        return next(event for event in self.events if event["type"] == kind)

    def hold(self) -> None:
        self._gate.clear()

    def let_go(self) -> None:
        self._gate.set()

    def close(self) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, body: bytes, headers: dict[str, str]) -> int:
        with self._lock:
            self.bodies.append(body)
            self._arrived.notify_all()
            self.headers.append(headers)
            self._inside += 1
            self.busiest = max(self.busiest, self._inside)
            answer = self.answers.pop(0) if self.answers else 200
        self._gate.wait(timeout=20)
        with self._lock:
            self._inside -= 1
        return answer


def _handler(take: Callable[[bytes, dict[str, str]], int]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = take(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler
