"""`python -m tests.sandbox.differing PORT`: a sandbox that differs on purpose, for the oracle to find.

Each difference stands in `DIFFERENCES`, with the path of the calls whose answers it changes.
"""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

from offline_stripe.asgi import Sandbox, create_app
from offline_stripe.settings import SandboxConfig, Switches
from offline_stripe.wire.messages import Receive, Scope, Send
from offline_stripe.wire.serving import server_for

JSON = dict[str, Any]


def _replaced(name: str, value: Any) -> Callable[[JSON], None]:
    def change(body: JSON) -> None:
        body[name] = value

    return change


def _less(body: JSON) -> None:
    body["amount_remaining"] -= 1


def _without(name: str) -> Callable[[JSON], None]:
    def change(body: JSON) -> None:
        body.pop(name, None)

    return change


def _otherwise_worded(body: JSON) -> None:
    if "error" in body:
        body["error"]["message"] = "Nope."


def _without_events(body: JSON) -> None:
    body["data"] = [event for event in body["data"] if event["type"] != "invoice.payment_succeeded"]


DIFFERENCES: dict[str, tuple[str, Callable[[JSON], None]]] = {
    "a status": (r"POST /v1/invoices/\w+/void", _replaced("status", "voided")),
    "an amount": (r"POST /v1/credit_notes", _replaced("amount", 501)),
    "a key that is missing": (r"POST /v1/products", _without("marketing_features")),
    "a key too many": (r"POST /v1/tax_rates", _replaced("flat", None)),
    "the words of an error": (r"GET /v1/customers/cus_none", _otherwise_worded),
    "an event that is not sent": (r"GET /v1/events", _without_events),
}
SWITCHES: dict[str, object] = {"finalize_emits_sent": True, "lines_page_size": 5, "retry_base_s": 3600}


class Differing:
    """The sandbox, with answers changed on their way out."""

    def __init__(self, app: Sandbox) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = f"{scope.get('method')} {scope.get('path')}"
        changes = [change for pattern, change in DIFFERENCES.values() if re.fullmatch(pattern, call)]
        start: Any = None

        async def changed(message: Any) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            body = json.loads(message["body"])
            for change in changes:
                change(body)
            text = json.dumps(body).encode()
            kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            await send({**start, "headers": [*kept, (b"content-length", str(len(text)).encode())]})
            await send({**message, "body": text})

        await self._app(scope, receive, changed if changes else send)


def main(port: int) -> None:
    config = SandboxConfig(port=port, switches=Switches().changed(SWITCHES))
    server_for(Differing(create_app(config)), config.host, port).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
