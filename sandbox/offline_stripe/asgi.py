"""The program: one ASGI application made of the API, the control calls and the pages.

It builds the parts, runs the lifespan and cuts connections. It holds no rules.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from offline_stripe.api import Api, CutError
from offline_stripe.billing import schedule
from offline_stripe.control.calls import Control
from offline_stripe.control.faults import Faults
from offline_stripe.control.journal import Journal
from offline_stripe.control.versions import Versions
from offline_stripe.origins import cross_origin_headers, preflight
from offline_stripe.pages.router import Pages
from offline_stripe.settings import SandboxConfig
from offline_stripe.store.clock import Clock
from offline_stripe.store.database import Database, seed_of
from offline_stripe.store.emission import Emission
from offline_stripe.store.identifiers import Identifiers
from offline_stripe.store.transaction import Store
from offline_stripe.webhooks.delivery import Deliveries
from offline_stripe.webhooks.endpoints import install_account, install_endpoints
from offline_stripe.wire.idempotency import IdempotencyKeys
from offline_stripe.wire.keys import RestrictedKeys
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
    """The ASGI application and its parts."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        database = Database(config.state)
        clock = Clock(database)
        self.store = Store(
            database=database,
            clock=clock,
            identifiers=Identifiers(database, seed_of(database, config.seed)),
            emission=Emission(database, clock),
            switches=config.switches,
            base_url=config.base_url,
        )
        install_account(self.store, config)
        install_endpoints(self.store, config.webhooks)
        self.faults = Faults()
        self.versions = Versions()
        self.restricted = RestrictedKeys()
        self.journal = Journal()
        self.deliveries = Deliveries(self.store)
        self.keys = IdempotencyKeys(database)
        self.api = Api(
            self.store, self.keys, self.faults, self.versions, self.restricted, self.journal, self.deliveries
        )
        self.control = Control(
            self.store, config, self.faults, self.versions, self.restricted, self.journal, self.deliveries
        )
        self.pages = Pages(self.store, self.deliveries)
        self._ticking: asyncio.Task[None] | None = None

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
        await self.deliveries.start()
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        await self.deliveries.stop()
        self.store.database.close()

    async def _tick(self) -> None:
        """Run timers that fall due as real time passes."""
        while True:
            await asyncio.sleep(1.0)
            try:
                if schedule.run_due(self.store):
                    self.deliveries.wake()
            except Exception:
                logger.exception("a timer failed")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await read_request(scope, receive)
            response = await self._respond(request)
        except ClientGoneError:
            return
        except CutError as cut:
            await _cut(scope, receive, cut.after_s)
            return
        except BodyTooLargeError:
            response = Response(413, b"Request Entity Too Large\n", content_type="text/plain")
        await send_response(response, send, self.store.clock.now())

    async def _respond(self, request: Request) -> Response:
        if request.path.startswith("/_sandbox"):
            return await self.control.answer(request)
        if not request.path.startswith(("/v1/", "/v2/")):
            return self.pages.answer(request)
        if request.method == "OPTIONS":
            return preflight()
        response = await self.api.answer(request)
        if "origin" in request.headers:
            response.headers |= cross_origin_headers()
        return response


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
