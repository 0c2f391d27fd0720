"""Calls that block: the transport of `Invoicing`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

import httpx

from ._call import Call, Query, Service, quoted

Item = TypeVar("Item")


class Caller:
    """Sends calls, and tries them again where that is safe."""

    quoted = staticmethod(quoted)

    def __init__(self, http: httpx.Client, service: Service) -> None:
        self.http = http
        self.service = service

    def call(
        self, method: str, path: str, *, query: Any = None, body: Any = None, idempotency_key: str | None = None
    ) -> httpx.Response:
        """The answer to a call. Raises InvoicingError if it is refused, InvoicingUnavailable if no answer came."""
        call = Call(self.service, method, path, query or {}, body, idempotency_key)
        while True:
            try:
                response = self.http.send(call.request(self.http))
            except httpx.TransportError as error:
                wait = call.wait_without_answer(error)
            else:
                asked = call.wait_after(response)
                if asked is None:
                    return response
                wait = asked
            time.sleep(wait)


class Pages(Generic[Item]):
    """A list. Iterating reads page after page; `page()` reads the first one."""

    def __init__(self, caller: Caller, path: str, query: Any) -> None:
        self._caller = caller
        self._path = path
        self._query: Query = query

    def page(self) -> Mapping[str, Any]:
        """The first page: `data`, `has_more`, `next_cursor`."""
        return cast("Mapping[str, Any]", self._caller.call("GET", self._path, query=self._query).json())

    def __iter__(self) -> Iterator[Item]:
        """All items, page after page."""
        query = dict(self._query)
        while True:
            page = self._caller.call("GET", self._path, query=query).json()
            yield from page["data"]
            if not page["has_more"]:
                return
            query["cursor"] = page["next_cursor"]
