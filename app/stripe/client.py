"""The client for Stripe: one per process, with a pinned API version, time-outs, and retries within a deadline.

Calls are the SDK's raw requests over its aiohttp transport. No typed objects are built, as they cost more than the rest
of a call. Answers are plain JSON whose texts can be stored in PostgreSQL.
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from math import ceil
from typing import Any, cast

import aiohttp
import stripe
import structlog
from opentelemetry.trace import Span, SpanKind
from stripe import AIOHTTPClient

from app.domain.errors import InvoicingError, StripeTimeout, StripeUnavailable
from app.domain.json import NUL, JsonObject, JsonView, without_nul
from app.observability import logs, metrics, tracing
from app.stripe.circuit import Circuit, CircuitState
from app.stripe.errors import FAILURES, is_outage, is_too_fast, may_have_executed, translate, worth_another_try
from app.stripe.pace import Limiter, StripeLimits

log = structlog.get_logger(__name__)

stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)  # at DEBUG the SDK logs whole answers, client secrets included

API_VERSION = stripe.api_version
BACKOFF_S = 0.25
BACKOFF_LIMIT_S = 4.0
PAGE = 100
STRIPE_KEEPS = timedelta(days=30)
"""Longer than Stripe replays answers: the greatest age of the object in a replayed answer."""


@cache
def _authorities() -> ssl.SSLContext:
    """What verifies Stripe's certificate. Reading it takes 20 ms, so a process does that once."""
    return ssl.create_default_context(cafile=stripe.ca_bundle_path)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of Stripe's: the object, and the seconds of Stripe's clock between which it was true.

    A replayed answer shows the object as it was at the first call. `looked_up`: this is not the answer to the change,
    but the object as it was found afterwards.
    """

    data: JsonObject
    since: datetime
    until: datetime
    replayed: bool = False
    request_id: str | None = None
    looked_up: bool = False


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How to reach Stripe. `timeout_s` limits one try, `deadline_s` a call with all its tries.

    Another `api_version` than that of the schemas is only used by the rehearsal. After `circuit_failures` failed tries
    in a row the circuit opens for `circuit_open_s` seconds.
    """

    secret_key: str = field(repr=False)
    api_base: str
    timeout_s: float
    deadline_s: float
    max_retries: int
    api_version: str = API_VERSION
    limits: StripeLimits = field(default_factory=StripeLimits)
    circuit_failures: int = 20
    circuit_open_s: float = 5.0


@dataclass(frozen=True, slots=True)
class GatewayState:
    """The state of the client in this process, for /readyz and metrics."""

    circuit: CircuitState
    opens_in_s: float
    rate_per_s: float
    in_flight: int
    waiting: int
    shed: int


class StripeGateway:
    """The client. It raises only errors of app.domain.errors."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._limiter = Limiter(settings.limits)
        self._circuit = Circuit(settings.circuit_failures, settings.circuit_open_s)
        self._transport = AIOHTTPClient(
            timeout=aiohttp.ClientTimeout(total=settings.timeout_s, connect=min(5.0, settings.timeout_s)),
            connector=aiohttp.TCPConnector(ssl=_authorities()),
        )
        self._client = stripe.StripeClient(
            settings.secret_key,
            stripe_version=settings.api_version,
            base_addresses={"api": settings.api_base},
            http_client=self._transport,
            max_network_retries=0,  # tries are ours: within one deadline, at the limiter's pace
        )

    async def close(self) -> None:
        await self._transport.close_async()  # type: ignore[no-untyped-call]

    @property
    def api_version(self) -> str:
        """The API version of Stripe's answers."""
        return self._settings.api_version

    @property
    def state(self) -> GatewayState:
        return GatewayState(
            circuit=self._circuit.state,
            opens_in_s=self._circuit.opens_in_s,
            rate_per_s=self._limiter.rate_per_s,
            in_flight=self._limiter.in_flight,
            waiting=self._limiter.waiting,
            shed=self._limiter.shed,
        )

    async def post(self, path: str, params: JsonView, *, key: str) -> Answer:
        """POST `params` to `path`. All tries carry the idempotency key `key`."""
        return await self._call("post", path, params, key)

    async def get(self, path: str, params: JsonView | None = None) -> Answer:
        return await self._call("get", path, params or {}, None)

    async def delete(self, path: str) -> Answer:
        return await self._call("delete", path, {}, None)

    async def lists(self, path: str, params: JsonView) -> AsyncIterator[Answer]:
        """The pages of a list, in Stripe's order."""
        query: JsonObject = {**params, "limit": PAGE}
        while True:
            page = await self.get(path, query)
            yield page
            if not page.data["has_more"]:
                return
            query["starting_after"] = page.data["data"][-1]["id"]

    async def pages(self, path: str, params: JsonView) -> AsyncIterator[JsonObject]:
        """All objects of a list, page by page, in Stripe's order."""
        async for page in self.lists(path, params):
            for item in page.data["data"]:
                yield item

    async def _call(self, method: str, path: str, params: JsonView, key: str | None) -> Answer:
        operation = f"{method} {_collection_and_action(path)}"
        outcome = "broken_off"
        started = time.perf_counter()
        with tracing.span(f"stripe {operation}", {"stripe.operation": operation}, kind=SpanKind.CLIENT) as span:
            try:
                answer = await self._tries(operation, method, path, params, key)
                outcome = "replayed" if answer.replayed else "ok"
            except InvoicingError as error:
                outcome = error.code
                _note(span, error.stripe["request_id"] if error.stripe else None)
                raise
            finally:
                metrics.STRIPE_CALLS(operation, outcome).inc()
                metrics.STRIPE_SECONDS(operation).observe(time.perf_counter() - started)
                span.set_attribute("stripe.outcome", outcome)
            _note(span, answer.request_id)
        return answer

    async def _tries(self, operation: str, method: str, path: str, params: JsonView, key: str | None) -> Answer:
        deadline = time.monotonic() + self._settings.deadline_s
        unsure = False
        for attempt in range(self._settings.max_retries + 1):
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    return await self._try(operation, method, path, params, key, deadline)
            except (*FAILURES, StripeUnavailable, StripeTimeout) as error:
                failure = translate(error)
                unsure = unsure or may_have_executed(error)
                log.warning(
                    "stripe_call_failed",
                    method=method,
                    path=path,
                    attempt=attempt + 1,
                    code=failure.code,
                    stripe=failure.stripe,
                )
                pause = min(BACKOFF_S * 2**attempt, BACKOFF_LIMIT_S) * random.uniform(0.5, 1)  # noqa: S311
                last_try = attempt == self._settings.max_retries or time.monotonic() + pause >= deadline
                if last_try or not worth_another_try(error):
                    failure.unsure = unsure and method != "get"
                    raise failure from error
            metrics.STRIPE_RETRIES(operation).inc()
            await asyncio.sleep(pause)
        raise StripeTimeout("Stripe did not answer in time.")  # pragma: no cover -- the loop always ends above

    async def _try(
        self, endpoint: str, method: str, path: str, params: JsonView, key: str | None, deadline: float
    ) -> Answer:
        self._circuit.enter()
        options: dict[str, Any] = {"idempotency_key": key} if key else {}
        try:
            async with self._limiter.turn(endpoint):
                started = time.monotonic()
                if started >= deadline:  # this process slept: another one may have undone what it is about to do
                    raise StripeTimeout("The call could not start in time.", retry_after=1)  # noqa: TRY301 -- no try
                response = await self._client.raw_request_async(method, path, **params, **options)
        except FAILURES as error:
            (self._circuit.failed if is_outage(error) else self._circuit.succeeded)()
            if is_too_fast(error):
                self._limiter.slow_down(endpoint)
            raise
        except BaseException:
            self._circuit.undecided()
            raise
        self._circuit.succeeded()
        took = timedelta(seconds=ceil(time.monotonic() - started) + 1)
        replayed = response.headers.get("Idempotent-Replayed") == "true"
        if replayed:
            took = STRIPE_KEEPS
        until = _stripe_time(response.headers)
        data = cast("JsonObject", response.data)
        return Answer(
            data=without_nul(data) if NUL in response.body else data,
            since=until - took,
            until=until,
            replayed=replayed,
            request_id=response.headers.get("Request-Id"),
        )


def _note(span: Span, request_id: str | None) -> None:
    """Record Stripe's request id in log and span."""
    if request_id:
        logs.called_stripe(request_id)
        span.set_attribute("stripe.request_id", request_id)


def _collection_and_action(path: str) -> str:
    """`path` without ids, which is what Stripe's rate limit per endpoint counts by."""
    return "/".join(path.split("/")[2::2])


def _stripe_time(headers: Mapping[str, str]) -> datetime:
    """The second of Stripe's clock at which it answered; ours if an intermediary dropped the header."""
    said = headers.get("Date")
    return _date(said) if said else datetime.now(UTC).replace(microsecond=0)


_date = lru_cache(maxsize=16)(parsedate_to_datetime)
"""Cached, because parsing the same second again for each answer took as long as half of sending a request."""
