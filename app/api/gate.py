"""Owns what every request passes on its way in: its id, the bound on its body, and one log line when it is done.

One pure ASGI middleware. It never reads a body itself.
"""

import re
import time
import uuid

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem

log = structlog.get_logger(__name__)

LARGEST_BODY = 1024 * 1024
SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class BodyTooLarge(Exception):
    """The body turned out longer than allowed while it was read."""


class Gate:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if SANE_ID.fullmatch(given) else uuid.uuid4().hex
        scope["request_id"] = request_id
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._bounded(scope, headers, receive, answer)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
                request_id=request_id,
            )

    async def _bounded(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        stated = headers.get(b"content-length", b"")
        too_large = problem(
            "payload_too_large", f"The body is larger than {LARGEST_BODY} bytes.", scope["request_id"]
        ) if stated.isdigit() and int(stated) > LARGEST_BODY else None  # fmt: skip
        if too_large:
            await too_large(scope, receive, send)
        elif b"transfer-encoding" not in headers:
            await self._app(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a body of unstated length, cut off where it exceeds the bound."""
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > LARGEST_BODY:
                raise BodyTooLarge
            return message

        try:
            await self._app(scope, bounded, send)
        except BodyTooLarge:
            detail = f"The body is larger than {LARGEST_BODY} bytes."
            await problem("payload_too_large", detail, scope["request_id"])(scope, receive, send)
