"""The two clients."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from ._async import AsyncCaller
from ._call import Service
from ._feed import AsyncFeed, Feed
from ._sync import Caller
from .resources import AsyncResources, Resources

TIMEOUT_S = 60.0
RETRIES = 4


class Invoicing(Resources):
    """A client that blocks. `http` is a client of your own with its proxies and certificates; it is not changed or closed here.

    A call that gets no answer, or is told to wait, is tried again up to `retries` times, with the same Idempotency-Key.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT_S,
        retries: int = RETRIES,
        http: httpx.Client | None = None,
    ) -> None:
        self._own = http is None
        self._http = http or httpx.Client(timeout=timeout)
        caller = Caller(self._http, Service(base_url, api_key, retries))
        super().__init__(caller)
        self.feed = Feed(caller)

    def close(self) -> None:
        """Close the connections."""
        if self._own:
            self._http.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()


class AsyncInvoicing(AsyncResources):
    """A client for asyncio, otherwise as `Invoicing`."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT_S,
        retries: int = RETRIES,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._own = http is None
        self._http = http or httpx.AsyncClient(timeout=timeout)
        caller = AsyncCaller(self._http, Service(base_url, api_key, retries))
        super().__init__(caller)
        self.feed = AsyncFeed(caller)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.aclose()
