"""The middleware of all requests: id, limits on size and time, authentication, response headers, log line.

It is one pure ASGI middleware. It does not read bodies, and it lets no exception through. Stripe's deliveries bypass
it: inbox/route.py applies the same rules at a fraction of the cost.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from itertools import chain

import structlog
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.authentication import Authentication, address_limit
from app.access.rate_limits import LocalLimits
from app.domain.errors import InvoicingError, RequestTimeout
from app.domain.redaction import redacted
from app.http.access_log import AccessLog
from app.http.client_address import client_address
from app.http.dependencies import service_of
from app.http.problems import problem, problem_of, refusal
from app.observability import logs, tracing
from app.settings import Settings

log = structlog.get_logger(__name__)

LARGEST_BODY = 1024 * 1024
TOO_LARGE = f"The body is larger than {LARGEST_BODY} bytes."
LARGEST_HEADERS = 16 * 1024
LONGEST_TARGET = 4 * 1024
SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
PRIVATE = "/v1/"
COUNTED = (PRIVATE, "/pay/", "/portal/")
"""The paths that all processes count together by address. Each process counts other paths by itself."""
ALIVE = "/healthz"
"""The path that is not rate-limited: it costs no more than a refusal, and platforms kill what does not answer it."""
PROBES = frozenset({ALIVE, "/readyz"})
"""The paths that are served on reserved connections, too: platforms send no delivery to what is not ready."""
TIMED_OUT = "The request took too long and was stopped here; sent again with the same Idempotency-Key, it goes on."

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Browser headers that are added to each response unless it has them."""
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
NO_STORE = (b"cache-control", b"no-store")


class BodyTooLarge(HTTPException):
    """The body is longer than allowed. An HTTPException, because FastAPI would turn other exceptions into a 400."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)


class RequestMiddleware:
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._accounting = AccessLog()
        self._by_address, self._local_limits = address_limit(settings), LocalLimits()
        self._proxies = settings.trusted_proxies
        self._timeout_s = settings.request_timeout_s
        self._headers = headers_of(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        with tracing.span(scope["method"], kind=SpanKind.SERVER, context=tracing.context_in(headers)) as span:
            scope["request_id"] = request_id_of(headers, span)
            answering = ResponseSender(self._headers, scope, send)
            with logs.context(request_id=scope["request_id"]):
                try:
                    async with asyncio.timeout(self._timeout_s) as answering.timer:
                        await self._serve(scope, headers, receive, answering)
                except Exception as error:
                    if answering.status:
                        raise
                    answering.timer = None  # it ended with the block
                    refused = refusal(Request(scope), error) or refusal_of(error, scope["path"], scope["request_id"])
                    await refused(scope, receive, answering)
                finally:
                    self._accounting.ended(scope, answering.status, started, answering.began, span)

    async def _serve(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """Check the size of the head, the rate limits and the caller, then serve the request."""
        refusal = head_refusal(scope, headers, scope["request_id"])
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        address = client_address(scope, headers.get(b"x-forwarded-for", b""), self._proxies)
        if scope["path"].startswith(COUNTED):
            authentication = service_of(scope, Authentication)
            await authentication.limit_address(address)
            if scope["path"].startswith(PRIVATE):
                authenticate = partial(authentication.authenticate, headers.get(b"authorization", b""), address)
                scope["caller"] = await authenticate()
                scope["authenticate"] = authenticate
                await authentication.limit_caller(scope["caller"])
        elif scope["path"] != ALIVE:
            self._local_limits.take(self._by_address, address)
        if b"transfer-encoding" in headers:
            await self._counted(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request without a stated length, and stop its body at the limit."""
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > LARGEST_BODY:
                raise BodyTooLarge
            return message

        await self._app(scope, bounded, send)


class ResponseSender:
    """Sends a response: adds the missing headers, and ends the time limit when the response begins."""

    __slots__ = ("_headers", "_request_id", "_send", "began", "status", "timer")

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...], scope: Scope, send: Send) -> None:
        self._headers = (*headers, NO_STORE) if scope["path"].startswith(PRIVATE) else headers
        self._request_id = (b"x-request-id", scope["request_id"].encode())
        self._send = send
        self.status = 0
        self.began = 0.0
        self.timer: asyncio.Timeout | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.began = time.perf_counter()
            said = {name for name, _ in message["headers"]}
            added = [header for header in self._headers if header[0] not in said]
            message["headers"] = [*message["headers"], *added, self._request_id]
            if self.timer is not None and not self.timer.expired():
                self.timer.reschedule(None)
        await self._send(message)


def headers_of(settings: Settings) -> tuple[tuple[bytes, bytes], ...]:
    return (*HEADERS, HSTS) if settings.public_base_url.startswith("https://") else HEADERS


def request_id_of(headers: Mapping[bytes, bytes], span: Span = INVALID_SPAN) -> str:
    """The request's id: the sender's, if it is safe to log; otherwise its span's, or a random one."""
    given = headers.get(b"x-request-id")
    if given and SANE_ID.fullmatch(given) and redacted(given.decode()) == given.decode():
        return given.decode()
    return tracing.request_id(span) or secrets.token_hex(16)


def head_refusal(scope: Scope, headers: Mapping[bytes, bytes], request_id: str) -> Response | None:
    """The refusal of a request whose head is too large or states a body that is; None otherwise."""
    if sum(map(len, chain.from_iterable(scope["headers"]))) > LARGEST_HEADERS:
        return problem("headers_too_large", f"The headers are larger than {LARGEST_HEADERS} bytes.", request_id)
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_TARGET:
        detail = f"The address with its query is longer than {LONGEST_TARGET} bytes."
        return problem("headers_too_large", detail, request_id)
    stated = headers.get(b"content-length", b"")
    if stated.isdigit() and int(stated) > LARGEST_BODY:
        return problem("payload_too_large", TOO_LARGE, request_id)
    return None


def refusal_of(error: Exception, path: str, request_id: str) -> Response:
    """The response for `error`. An unexpected error is logged and not shown."""
    if isinstance(error, InvoicingError):
        return problem_of(error, request_id)
    if isinstance(error, TimeoutError):
        return problem_of(RequestTimeout(TIMED_OUT, retry_after=1), request_id)
    log.error("unexpected_error", path=path, request_id=request_id, exc_info=error)
    return problem("internal_error", "Something went wrong here; it was logged.", request_id)
