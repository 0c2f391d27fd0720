"""`python -m tests.sandbox.recording …`: the sandbox, with its exchanges and events kept for whoever validates them.

`GET /_recorded` answers what came since the last time, and forgets it. What the sandbox does is not changed.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from offline_stripe.asgi import Sandbox, create_app
from offline_stripe.cli import config_from
from offline_stripe.settings import API_VERSION
from offline_stripe.wire.messages import Receive, Scope, Send
from offline_stripe.wire.serving import server_for

JSON = dict[str, Any]


class Recording:
    """The sandbox's application in a layer that keeps what passes."""

    def __init__(self, app: Sandbox) -> None:
        self._app = app
        self._kept: list[JSON] = []
        self._events = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == "/_recorded":
            await self._hand_over(send)
        elif path.startswith("/v1/"):
            await self._listened(scope, receive, send)
        else:
            if path == "/_sandbox/reset":
                self._keep_events()
            await self._app(scope, receive, send)

    async def _listened(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent, answered, status = bytearray(), bytearray(), 0

        async def heard() -> Any:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def said(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, heard, said)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if status and _is_ordinary(headers, bytes(sent)):
            text = sent.decode() if scope["method"] == "POST" else scope["query_string"].decode()
            self._keep(scope["method"], scope["path"], text, status, bytes(answered))

    def _keep(self, method: str, path: str, sent: str, status: int, answered: bytes) -> None:
        try:
            answer = json.loads(answered)
        except ValueError:
            return  # a fault cut it off
        self._kept.append({"method": method, "path": path, "sent": sent, "status": status, "answer": answer})

    def _keep_events(self) -> None:
        rows = self._app.store.database.all("SELECT seq, doc FROM events WHERE seq > ? ORDER BY seq", (self._events,))
        self._kept += [{"event": json.loads(str(row[1]))} for row in rows]
        self._events = max([self._events, *(int(str(row[0])) for row in rows)])

    async def _hand_over(self, send: Send) -> None:
        self._keep_events()
        kept, self._kept = self._kept, []
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(kept).encode()})


def _is_ordinary(headers: dict[str, str], sent: bytes) -> bool:
    """Whether the answer is a whole object: not what a browser's key may see, not another version's."""
    publishable = "pk_" in headers.get("authorization", "") or b"key=pk_" in sent
    return not publishable and headers.get("stripe-version", API_VERSION) == API_VERSION


def main(arguments: Sequence[str] | None = None) -> None:
    config, log_level = config_from(arguments)
    app = create_app(config)
    server_for(Recording(app), config.host, config.port, log_level=log_level).run()


if __name__ == "__main__":
    main(sys.argv[1:])
