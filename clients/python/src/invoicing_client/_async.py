"""Calls that are awaited: the transport of `AsyncInvoicing`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypeVar, cast

import httpx

from ._call import Call, Query, Service, quoted

Item = TypeVar("Item")


class AsyncCaller:
    """Sends calls, and tries them again where that is safe."""

    quoted = staticmethod(quoted)

    def __init__(self, http: httpx.AsyncClient, service: Service) -> None:
        self.http = http
        self.service = service

    async def call(
        self, method: str, path: str, *, query: Any = None, body: Any = None, idempotency_key: str | None = None
    ) -> httpx.Response:
        """The answer to a call. Raises InvoicingError if it is refused, InvoicingUnavailable if no answer came."""
        call = Call(self.service, method, path, query or {}, body, idempotency_key)
        while True:
            try:
                response = await self.http.send(call.request(self.http))
            except httpx.TransportError as error:
                wait = call.wait_without_answer(error)
            else:
                asked = call.wait_after(response)
                if asked is None:
                    return response
                wait = asked
            await asyncio.sleep(wait)


class AsyncPages(Generic[Item]):
    """A list. Iterating reads page after page; `page()` reads the first one."""

    def __init__(self, caller: AsyncCaller, path: str, query: Any) -> None:
        self._caller = caller
        self._path = path
        self._query: Query = query

    async def page(self) -> Mapping[str, Any]:
        """The first page: `data`, `has_more`, `next_cursor`."""
        response = await self._caller.call("GET", self._path, query=self._query)
        return cast("Mapping[str, Any]", response.json())

    async def __aiter__(self) -> AsyncIterator[Item]:
        """All items, page after page."""
        query = dict(self._query)
        while True:
            page = (await self._caller.call("GET", self._path, query=query)).json()
            for item in page["data"]:
                yield item
            if not page["has_more"]:
                return
            query["cursor"] = page["next_cursor"]
