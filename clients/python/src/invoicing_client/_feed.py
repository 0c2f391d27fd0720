"""The feed of events: followed by pages or as a stream, resumed where it ended, and each event handled once."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import httpx
from httpx_sse import aconnect_sse, connect_sse

from ._async import AsyncCaller
from ._call import FIRST_WAIT_S, Call, parameters
from ._sync import Caller
from .models import FeedEvent, FeedPage

WAIT_S = 25
"""How long the service waits for an event before it answers an empty page."""
STREAM = "/v1/events/stream"
SILENCE_S = 60.0
"""A stream that says nothing for so long is dead: the service sends a comment every fifteen seconds."""


class Place(Protocol):
    """Where a consumer is in the feed, and which events it knows."""

    def cursor(self) -> str | None:
        """The cursor to go on after; None at the beginning."""

    def knows(self, event: str) -> bool:
        """Whether the event of this id was handled."""

    def keep(self, event: str | None, cursor: str) -> None:
        """Remember that an event was handled, and where to go on. None: events that were not asked for were passed."""


class SqlitePlace:
    """A place in a file. Use your own database's transaction instead, if your handler has one."""

    def __init__(self, path: str | Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.executescript(
            "CREATE TABLE IF NOT EXISTS known (id TEXT PRIMARY KEY);"
            "CREATE TABLE IF NOT EXISTS place (only INTEGER PRIMARY KEY CHECK (only = 1), cursor TEXT);"
        )

    def cursor(self) -> str | None:
        """The cursor to go on after; None at the beginning."""
        row = self._file.execute("SELECT cursor FROM place").fetchone()
        return row[0] if row else None

    def knows(self, event: str) -> bool:
        """Whether the event of this id was handled."""
        return self._file.execute("SELECT 1 FROM known WHERE id = ?", [event]).fetchone() is not None

    def keep(self, event: str | None, cursor: str) -> None:
        """Remember that an event was handled, and where to go on."""
        self._file.execute("BEGIN IMMEDIATE")
        if event is not None:
            self._file.execute("INSERT OR IGNORE INTO known VALUES (?)", [event])
        self._file.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", [cursor])
        self._file.execute("COMMIT")


def _asked(after: str, types: tuple[str, ...], **more: object) -> dict[str, object]:
    return {"after": after, "types": ",".join(types) or None, **more}


class Feed:
    """The feed, read by calls that block."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def pages(self, after: str = "start", *types: str, wait: float = WAIT_S) -> Iterator[FeedPage]:
        """Pages of events without end; `next_cursor` of each is where to go on. An empty page means that nothing came.

        The first page is tried `retries` times; after it, whatever time the service is away is waited for.
        """
        caller, lasting = self._caller, replace(self._caller.service, retries=math.inf)
        while True:
            page: FeedPage = caller.call("GET", "/v1/events", query=_asked(after, types, wait=wait)).json()
            yield page
            after, caller = page["next_cursor"], Caller(caller.http, lasting)

    def consume(self, place: Place, handle: Callable[[FeedEvent], None], *types: str, wait: float = WAIT_S) -> None:
        """Hand every new event to `handle`, oldest first, without end.

        An event is remembered after it was handled. If this process dies between the two, it is handled again.
        """
        for page in self.pages(place.cursor() or "start", *types, wait=wait):
            for event in page["data"]:
                if not place.knows(event["id"]):
                    handle(event)
                    place.keep(event["id"], event["sequence"])
            place.keep(None, page["next_cursor"])

    def stream(self, after: str = "now", *types: str) -> Iterator[FeedEvent]:
        """Events as they happen, without end. If the connection ends, it goes on where it was."""
        while True:
            call = Call(replace(self._caller.service, retries=1), "GET", STREAM, _asked(after, types))
            asked = {"params": parameters(call.query), "headers": call.service.headers(), "timeout": SILENCE_S}
            try:
                with connect_sse(self._caller.http, "GET", call.service.address(STREAM), **asked) as source:
                    if not source.response.is_success:
                        source.response.read()
                    wait = call.wait_after(source.response)
                    if wait is None:
                        for sent in source.iter_sse():
                            after = sent.id or after  # also where nothing is told: so it goes on where it was
                            if sent.data:
                                yield sent.json()
            except httpx.TransportError as error:
                wait = call.wait_without_answer(error)
            time.sleep(wait or FIRST_WAIT_S)


class AsyncFeed:
    """The feed, read by calls that are awaited."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def pages(self, after: str = "start", *types: str, wait: float = WAIT_S) -> AsyncIterator[FeedPage]:
        """Pages of events without end; `next_cursor` of each is where to go on. An empty page means that nothing came.

        The first page is tried `retries` times; after it, whatever time the service is away is waited for.
        """
        caller, lasting = self._caller, replace(self._caller.service, retries=math.inf)
        while True:
            response = await caller.call("GET", "/v1/events", query=_asked(after, types, wait=wait))
            page: FeedPage = response.json()
            yield page
            after, caller = page["next_cursor"], AsyncCaller(caller.http, lasting)

    async def consume(
        self, place: Place, handle: Callable[[FeedEvent], Awaitable[None]], *types: str, wait: float = WAIT_S
    ) -> None:
        """Hand every new event to `handle`, oldest first, without end.

        An event is remembered after it was handled. If this process dies between the two, it is handled again.
        """
        async for page in self.pages(place.cursor() or "start", *types, wait=wait):
            for event in page["data"]:
                if not place.knows(event["id"]):
                    await handle(event)
                    place.keep(event["id"], event["sequence"])
            place.keep(None, page["next_cursor"])

    async def stream(self, after: str = "now", *types: str) -> AsyncIterator[FeedEvent]:
        """Events as they happen, without end. If the connection ends, it goes on where it was."""
        while True:
            call = Call(replace(self._caller.service, retries=1), "GET", STREAM, _asked(after, types))
            asked = {"params": parameters(call.query), "headers": call.service.headers(), "timeout": SILENCE_S}
            try:
                async with aconnect_sse(self._caller.http, "GET", call.service.address(STREAM), **asked) as source:
                    if not source.response.is_success:
                        await source.response.aread()
                    wait = call.wait_after(source.response)
                    if wait is None:
                        async for sent in source.aiter_sse():
                            after = sent.id or after  # also where nothing is told: so it goes on where it was
                            if sent.data:
                                yield sent.json()
            except httpx.TransportError as error:
                wait = call.wait_without_answer(error)
            await asyncio.sleep(wait or FIRST_WAIT_S)
