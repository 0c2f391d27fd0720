"""The program: one ASGI application made of the API, the control calls and the pages.

It builds the parts, runs the lifespan and cuts connections. It holds no rules.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from offline_stripe.accounts import Account, Accounts, NoSuchAccountError
from offline_stripe.api import Api, CutError
from offline_stripe.control.accounts import AccountControl
from offline_stripe.control.calls import Control, allowed, refusal
from offline_stripe.origins import cross_origin_headers, preflight
from offline_stripe.settings import SandboxConfig
from offline_stripe.store.transaction import Store
from offline_stripe.wire.keys import key_in
from offline_stripe.wire.messages import (
    BodyTooLargeError,
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    read_request,
    send_response,
)

logger = logging.getLogger("sandbox")
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Sandbox:
    """The ASGI application and its accounts."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.accounts = Accounts(config, lambda accounts: AccountControl(accounts).routes())
        self._ticking: asyncio.Task[None] | None = None

    @property
    def default(self) -> Account:
        return self.accounts.default

    @property
    def store(self) -> Store:
        """The default account's."""
        return self.default.store

    @property
    def api(self) -> Api:
        return self.default.api

    @property
    def control(self) -> Control:
        return self.default.control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        await self.accounts.start()
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        await self.accounts.stop()

    async def _tick(self) -> None:
        """Run timers that fall due as real time passes."""
        while True:
            await asyncio.sleep(1.0)
            for account in self.accounts:
                try:
                    account.tick()
                except Exception:
                    logger.exception("a timer failed")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        clock = self.store.clock
        try:
            request = await read_request(scope, receive)
            account = await self.accounts.of_request(request, _key_of(request))
            clock = account.store.clock
            response = await self._respond(account, request)
        except ClientGoneError:
            return
        except CutError as cut:
            await _cut(scope, receive, cut.after_s)
            return
        except BodyTooLargeError:
            response = Response(413, b"Request Entity Too Large\n", content_type="text/plain")
        except NoSuchAccountError as problem:
            response = refusal(404, str(problem))
        await send_response(response, send, clock.now())

    async def _respond(self, account: Account, request: Request) -> Response:
        if request.path.startswith("/_sandbox"):
            if not allowed(request, remote=self.config.remote_control):
                return refusal(403, "The control calls answer to this machine only, and to no other site's page.")
            return await account.control.answer(request)
        if not request.path.startswith(("/v1/", "/v2/")):
            return account.pages.answer(request)
        if request.method == "OPTIONS":
            return preflight()
        response = await account.api.answer(request)
        if "origin" in request.headers:
            response.headers |= cross_origin_headers()
        return response


def _key_of(request: Request) -> str | None:
    """The API key of a request: in its header, or as Stripe.js sends it."""
    key = key_in(request.headers.get("authorization"))
    if key or not request.path.startswith("/v1/"):
        return key
    text = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query
    return parse_qs(text).get("key", [None])[-1] if "key=" in text else None


async def _cut(scope: Scope, receive: Receive, after_s: float) -> None:
    """Abort the connection, so that the client sees a reset and no answer; sooner if it disconnects."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(after_s):
            await _disconnected(receive)
            return
    transport = scope.get("extensions", {}).get("sandbox.transport")
    if transport is None:
        raise ConnectionAbortedError("a fault cut this connection")
    transport.abort()
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def create_app(config: SandboxConfig | None = None) -> Sandbox:
    return Sandbox(config or SandboxConfig())
