"""The console's middleware: request ids, limits on size, the origin of a POST, response headers.

A GET changes nothing. A POST must come from a page of the console: the browser names the origin in headers that other
pages cannot forge. The session cookie is SameSite=Strict as well.
"""

import time
import uuid
from urllib.parse import urlsplit

import structlog
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings

log = structlog.get_logger(__name__)

LARGEST_BODY = 64 * 1024
SAFE = ("GET", "HEAD")
POLICY = (
    "default-src 'self'; script-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"same-origin"),  # with none at all, a form would not say where it comes from
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")


class ConsoleMiddleware:
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = (*HEADERS, HSTS) if settings.environment == "production" else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = scope["request_id"] = uuid.uuid4().hex
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = {name for name, _ in message["headers"]}
                added = [header for header in self._headers if header[0] not in said]
                message["headers"] = [*message["headers"], *added, (b"x-request-id", request_id.encode())]
            await send(message)

        headers = dict(scope["headers"])
        try:
            refused = _refusal(scope["method"], headers)
            await (refused or self._app)(scope, receive, answer)
        except Exception as error:  # the console has told the person already
            log.exception("unexpected_error", path=scope["path"], request_id=request_id, exc_info=error)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
                request_id=request_id,
                caller=getattr(scope.get("state", {}).get("operator"), "caller", None),
            )


def _refusal(method: str, headers: dict[bytes, bytes]) -> Response | None:
    """The response that refuses the request; None if it may proceed."""
    if method in SAFE:
        return None
    if method != "POST":
        return PlainTextResponse("The console takes GET and POST.", 405, {"Allow": "GET, HEAD, POST"})
    if not _from_here(headers):
        return PlainTextResponse("What changes something must be asked for by a page of the console itself.", 403)
    stated = headers.get(b"content-length", b"")
    if not stated.isdigit() or int(stated) > LARGEST_BODY:
        return PlainTextResponse(f"A form must state its length, at most {LARGEST_BODY} bytes.", 413)
    return None


def _from_here(headers: dict[bytes, bytes]) -> bool:
    """Whether the request comes from a page of this origin: by Sec-Fetch-Site, or by Origin where TLS is missing."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    origin = urlsplit(headers.get(b"origin", b"").decode("latin-1")).netloc
    return bool(origin) and origin == headers.get(b"host", b"").decode("latin-1")
