"""Owns the calls to Stripe: one client for the process, pinned API version, timeouts, retries within a deadline.

It uses the SDK's public raw request over the SDK's aiohttp transport: authentication, encoding and errors are the
SDK's, and no typed objects are built (they cost more than the rest of a call together). Answers are plain JSON.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import ceil
from typing import cast

import aiohttp
import stripe
import structlog
from stripe import AIOHTTPClient

from app.domain.errors import StripeTimeout
from app.domain.json import JsonObject, JsonView
from app.stripe_gateway.errors import FAILURES, translate

log = structlog.get_logger(__name__)

stripe.enable_telemetry = False

API_VERSION = stripe.api_version
CONNECTIONS = 200
BACKOFF_S = 0.25
BACKOFF_LIMIT_S = 4.0
PAGE = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What Stripe answered: the object, and between which seconds of Stripe's clock it was true."""

    data: JsonObject
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How Stripe is reached. timeout_s bounds one try, deadline_s a call with all its tries."""

    secret_key: str
    api_base: str
    timeout_s: float
    deadline_s: float
    max_retries: int


class StripeGateway:
    """An open line to Stripe. Raises only errors of app.domain.errors."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._transport = AIOHTTPClient(
            timeout=aiohttp.ClientTimeout(total=settings.timeout_s, connect=min(5.0, settings.timeout_s)),
            connector=None,
        )
        self._client = stripe.StripeClient(
            settings.secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": settings.api_base},
            http_client=self._transport,
            max_network_retries=0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close_async()  # type: ignore[no-untyped-call]

    async def post(self, path: str, params: JsonView, *, key: str) -> Answer:
        """POST `params` to `path` under the idempotency key `key`; every try carries the same key."""
        return await self._call("post", path, params, key)

    async def get(self, path: str, params: JsonView | None = None) -> Answer:
        """GET `path`."""
        return await self._call("get", path, params or {}, None)

    async def delete(self, path: str) -> Answer:
        """DELETE `path`."""
        return await self._call("delete", path, {}, None)

    async def pages(self, path: str, params: JsonView) -> AsyncIterator[JsonObject]:
        """Every object of a list, page by page, in Stripe's order."""
        query: JsonObject = {**params, "limit": PAGE}
        while True:
            page = (await self.get(path, query)).data
            for item in page["data"]:
                yield item
            if not page["has_more"]:
                return
            query["starting_after"] = page["data"][-1]["id"]

    async def _call(self, method: str, path: str, params: JsonView, key: str | None) -> Answer:
        deadline = time.monotonic() + self._settings.deadline_s
        for attempt in range(self._settings.max_retries + 1):
            remaining = deadline - time.monotonic()
            try:
                async with asyncio.timeout(remaining):
                    return await self._try(method, path, params, key)
            except FAILURES as error:
                failure = translate(error)
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
                if last_try or not _worth_another_try(error):
                    raise failure from error
            await asyncio.sleep(pause)
        raise StripeTimeout("Stripe did not answer in time.")  # pragma: no cover -- the loop always ends above

    async def _try(self, method: str, path: str, params: JsonView, key: str | None) -> Answer:
        started = time.monotonic()
        options = {"idempotency_key": key} if key else {}
        response = await self._client.raw_request_async(method, path, **cast("JsonObject", params), **options)
        took = timedelta(seconds=ceil(time.monotonic() - started))
        until = _stripe_time(response.headers)
        return Answer(data=cast("JsonObject", response.data), since=until - took - timedelta(seconds=1), until=until)


def _stripe_time(headers: Mapping[str, str]) -> datetime:
    """The second of Stripe's clock at which it answered; ours where an intermediary dropped the header."""
    said = headers.get("Date")
    return parsedate_to_datetime(said) if said else datetime.now(UTC).replace(microsecond=0)


def _worth_another_try(error: BaseException) -> bool:
    """Whether the same call may end otherwise: Stripe's own hint first, then connection errors, 409, 429 and 5xx."""
    if not isinstance(error, stripe.StripeError) or isinstance(error, stripe.APIConnectionError):
        return True
    hint = (error.headers or {}).get("Stripe-Should-Retry")
    if hint in {"true", "false"}:
        return hint == "true"
    status = error.http_status or 500
    return status in {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS} or status >= HTTPStatus.INTERNAL_SERVER_ERROR
