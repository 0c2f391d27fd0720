"""Hands new events to the subscribers of this process; one task reads the feed for all of them.

A subscription may begin anywhere in the feed. It first reads the database page by page. Once it reaches the reader's
place, it gets what the reader finds. If a subscriber does not keep up, its buffered events are dropped and it reads the
database again, at its own pace.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from app.db.engine import Database
from app.domain.errors import RateLimited
from app.domain.events import Cursor, FeedEvent, envelope
from app.events import feed_statements
from app.events.feed_statements import EVERYTHING, Query, Read
from app.jobs.loop import tell, within
from app.jobs.notifications import Notifications
from app.projection.change_statements import CHANNEL

LOOK_S = 2.0
"""Seconds between looks at the feed without a notification."""
HELD_S = (0.002, 0.25)
"""Seconds until the next look while a transaction holds events back: first and longest pause."""
AGAIN_S = 1.0
"""Seconds to rest after a failure."""
REST_S = 0.02
"""Seconds between pages while changes keep coming, so that one statement reads several."""
PAGE = 100
MOST_ASIDE = 100
"""The most events buffered for one subscriber."""
CATCHING_UP = 4
"""The most subscribers that read the database at once, so that they never take the whole pool."""


About = tuple[str | None, str | None]
"""The invoice and the customer of events; None means any."""


@dataclass(frozen=True, slots=True)
class RenderedEvent:
    """A rendered event: `document` is the CloudEvent."""

    cursor: Cursor
    document: bytes


class LiveFeed:
    """The reader of this process and its subscribers."""

    def __init__(self, database: Database, notifications: Notifications, *, source: str, most: int) -> None:
        self.ended = False
        self._database = database
        self._notifications = notifications
        self._grown = asyncio.Event()
        self._source = source
        self._most = most
        self._places: dict[About, dict[Query, set[Subscription]]] = {}
        self._open: Counter[str] = Counter()
        self._catching_up = asyncio.Semaphore(CATCHING_UP)
        self._starting = asyncio.Lock()
        self._at: Cursor | None = None
        self._reader: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def listening(self) -> int:
        """The number of open streams and long polls."""
        return self._open.total()

    @contextmanager
    def listener(self, who: str, most: int) -> Iterator[None]:
        """Count a listener of `who` while the block runs. Raises RateLimited beyond `most` or the process's limit."""
        if self._open[who] >= most or self.listening >= self._most:
            raise RateLimited("Too many streams are open; close some, or come again later.", retry_after=5)
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def subscribe(self, wanted: Query, after: Cursor) -> "Subscription":
        """Subscribe to the events matching `wanted` after `after`. Raises DatabaseUnavailable."""
        async with self._starting:
            if self._at is None:
                async with self._database.connection() as connection:
                    at = await feed_statements.last_position(connection)
                self._loop = asyncio.get_running_loop()
                self._at, self._reader = at, asyncio.create_task(self._read_on(at))
        made = Subscription(self, wanted, after)
        self._places.setdefault(_about(wanted), {}).setdefault(wanted, set()).add(made)
        return made

    async def read(self, after: Cursor, wanted: Query, limit: int) -> Read:
        async with self._catching_up, self._database.connection() as connection:
            return await feed_statements.read(connection, after, wanted, limit=limit)

    def told(self, event: FeedEvent) -> RenderedEvent:
        return RenderedEvent(event.cursor, envelope(event, self._source))

    @property
    def at(self) -> Cursor | None:
        """The reader's place: everything up to there was handed out."""
        return self._at

    def forget(self, subscription: "Subscription") -> None:
        wanted = subscription.wanted
        alike = self._places[_about(wanted)]
        alike[wanted].discard(subscription)
        if not alike[wanted]:
            del alike[wanted]
        if not alike:
            del self._places[_about(wanted)]

    def end(self) -> None:
        """End all subscriptions because the process is about to end. A signal handler may call this."""
        self.ended = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake_all)

    async def close(self) -> None:
        """End all subscriptions and stop reading."""
        self.ended = True
        self._wake_all()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def _wake_all(self) -> None:
        for alike in self._places.values():
            for one in chain.from_iterable(alike.values()):
                one.wake()

    async def _read_on(self, at: Cursor) -> None:
        pause = HELD_S[0]
        with self._notifications.subscribed(CHANNEL, self._grown.set):
            while self._places:
                self._grown.clear()
                try:
                    async with self._database.connection() as connection:
                        page = await feed_statements.read(connection, at, EVERYTHING, limit=PAGE)
                    self._hand_out(page.events)
                except Exception as error:  # noqa: BLE001 -- all streams hang on this one task
                    tell(error, "feed_not_read")
                    await asyncio.sleep(AGAIN_S)
                    continue
                self._at = at = page.upto
                if page.events:
                    await asyncio.sleep(REST_S)
                if not page.more:
                    pause = min(pause * 2, HELD_S[1]) if page.held else HELD_S[0]
                    await within(self._grown, pause if page.held else LOOK_S)
        self._at = self._reader = None

    def _hand_out(self, events: list[FeedEvent]) -> None:
        """Give each event to its subscribers. Each filter is checked once; those about other invoices are not."""
        for event in events:
            told: RenderedEvent | None = None
            for about in {(event.invoice, event.customer), (event.invoice, None), (None, event.customer), (None, None)}:
                for wanted, alike in self._places.get(about, {}).items():
                    for one in alike if wanted.includes(event) else ():
                        if one.expects(event):
                            told = told or self.told(event)
                            one.put_aside(told)


def _about(wanted: Query) -> About:
    return wanted.invoice, wanted.customer


class Subscription:
    __slots__ = ("_after", "_aside", "_behind", "_joining", "_live", "_waiting", "_woken", "wanted")

    def __init__(self, live: LiveFeed, wanted: Query, after: Cursor) -> None:
        self.wanted = wanted
        self._live = live
        self._after = after
        self._aside: deque[RenderedEvent] = deque()
        self._behind = True
        self._joining = False
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None

    @property
    def cursor(self) -> Cursor:
        """The place to continue from, for example after the connection broke."""
        if self._behind or self._aside or self._live.at is None:
            return self._after
        return max(self._after, self._live.at)

    async def take(self, within_s: float) -> list[RenderedEvent]:
        """The next events in order; an empty list after `within_s` seconds or when woken.

        Raises DatabaseUnavailable; a caller may try again then.
        """
        while self._behind:
            if told := await self._catch_up():
                return told
        if not (self._aside or self._woken or self._live.ended):
            await self._wait(within_s)
        self._woken = False
        told = list(self._aside)
        self._aside.clear()
        if told:
            self._after = told[-1].cursor
        return told

    def wake(self, *_: object) -> None:
        self._woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        self._live.forget(self)

    def expects(self, event: FeedEvent) -> bool:
        """Whether `event`, which matches, must be buffered."""
        return (self._joining or not self._behind) and event.cursor > self._after

    def put_aside(self, told: RenderedEvent) -> None:
        """Buffer `told`. If the buffer is full, drop it and read from the database again."""
        if len(self._aside) >= MOST_ASIDE:
            self._aside.clear()
            self._behind, self._joining = True, False
        else:
            self._aside.append(told)
        self.wake()

    async def _catch_up(self) -> list[RenderedEvent]:
        """Read a page from the database, while new events are buffered. After the last page, the buffer follows."""
        self._joining = True
        try:
            page = await self._live.read(self._after, self.wanted, PAGE)
            self._behind = page.more or not self._joining
        finally:
            self._joining = False
        self._after = page.upto
        while self._aside and (self._behind or self._aside[0].cursor <= page.upto):
            self._aside.popleft()
        return [self._live.told(event) for event in page.events]

    async def _wait(self, within_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        timer = loop.call_later(within_s, self.wake)
        try:
            await self._waiting
        finally:
            timer.cancel()
            self._waiting = None
