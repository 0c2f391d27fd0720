"""Tells what happens while it happens, to however many listen: the feed is read once per process for all of them.

A subscription begins anywhere in the feed. It is behind at first and reads the database, page by page; once it has
reached where the process's one reader is, it is handed what that reader finds. A subscriber that does not keep up is not
waited for and not buffered for: what was put aside for it is dropped, and it is behind again, at its own pace.
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
from app.events.change_statements import CHANNEL
from app.events.feed_statements import EVERYTHING, Read, Wanted
from app.jobs.loop import tell, within
from app.jobs.notifications import Notifications

LOOK_S = 2.0
"""How often the feed is looked at without a notification."""
HELD_S = (0.002, 0.25)
"""While a transaction holds events back: how soon it is looked again, at first and at most."""
AGAIN_S = 1.0
"""After a failure."""
REST_S = 0.02
"""Between pages while changes keep coming: one statement then reads what came since, and not one for each."""
PAGE = 100
MOST_ASIDE = 100
"""Events put aside for one subscriber."""
CATCHING_UP = 4
"""Subscribers that read the database at a time: never all of the pool."""


About = tuple[str | None, str | None]
"""An invoice and a customer that events are about; None: any."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is told: `document` is the CloudEvent."""

    cursor: Cursor
    document: bytes


class Live:
    """The process's one reader, and who listens to it."""

    def __init__(self, database: Database, notifications: Notifications, *, source: str, most: int) -> None:
        self.ended = False
        self._database = database
        self._notifications = notifications
        self._grown = asyncio.Event()
        self._source = source
        self._most = most
        self._places: dict[About, dict[Wanted, set[Subscription]]] = {}
        self._open: Counter[str] = Counter()
        self._catching_up = asyncio.Semaphore(CATCHING_UP)
        self._starting = asyncio.Lock()
        self._at: Cursor | None = None
        self._reader: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def listening(self) -> int:
        """How many subscriptions there are."""
        return self._open.total()

    @contextmanager
    def listener(self, who: str, most: int) -> Iterator[None]:
        """Count one more of `who`'s listeners. Raises RateLimited beyond `most`, and where there are too many in all."""
        if self._open[who] >= most or self.listening >= self._most:
            raise RateLimited("Too many streams are open; close some, or come again later.", retry_after=5)
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def subscribe(self, wanted: Wanted, after: Cursor) -> "Subscription":
        """What is `wanted`, from after `after` on. Raises DatabaseUnavailable."""
        async with self._starting:
            if self._at is None:
                async with self._database.connection() as connection:
                    self._at = await feed_statements.last_position(connection)
                self._loop = asyncio.get_running_loop()
                self._reader = asyncio.create_task(self._read_on(self._at))
        made = Subscription(self, wanted, after)
        self._places.setdefault(_about(wanted), {}).setdefault(wanted, set()).add(made)
        return made

    async def read(self, after: Cursor, wanted: Wanted, limit: int) -> Read:
        """A page of the feed."""
        async with self._catching_up, self._database.connection() as connection:
            return await feed_statements.read(connection, after, wanted, limit=limit)

    def told(self, event: FeedEvent) -> Told:
        """`event` as it is told."""
        return Told(event.cursor, envelope(event, self._source))

    @property
    def at(self) -> Cursor | None:
        """Where the reader is: everything up to there was handed out."""
        return self._at

    def forget(self, subscription: "Subscription") -> None:
        """Hand it nothing more."""
        wanted = subscription.wanted
        alike = self._places[_about(wanted)]
        alike[wanted].discard(subscription)
        if not alike[wanted]:
            del alike[wanted]
        if not alike:
            del self._places[_about(wanted)]

    def end(self) -> None:
        """Have every subscriber go: this process is about to end. May be called by a signal's handler."""
        self.ended = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake_all)

    async def close(self) -> None:
        """End, and stop reading."""
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
        """Read, for as long as anybody listens."""
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
        """Give each event to whoever wants it: those who want the same are asked once, those about others not at all."""
        for event in events:
            told: Told | None = None
            for about in {(event.invoice, event.customer), (event.invoice, None), (None, event.customer), (None, None)}:
                for wanted, alike in self._places.get(about, {}).items():
                    for one in alike if wanted.includes(event) else ():
                        if one.expects(event):
                            told = told or self.told(event)
                            one.put_aside(told)


def _about(wanted: Wanted) -> About:
    return wanted.invoice, wanted.customer


class Subscription:
    """One subscriber's place in the feed."""

    __slots__ = ("_after", "_aside", "_behind", "_joining", "_live", "_waiting", "_woken", "wanted")

    def __init__(self, live: Live, wanted: Wanted, after: Cursor) -> None:
        self.wanted = wanted
        self._live = live
        self._after = after
        self._aside: deque[Told] = deque()
        self._behind = True
        self._joining = False
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None

    @property
    def cursor(self) -> Cursor:
        """Where to go on, after a break in the connection say."""
        if self._behind or self._aside or self._live.at is None:
            return self._after
        return max(self._after, self._live.at)

    async def take(self, within_s: float) -> list[Told]:
        """What is next, in order, as soon as there is any; nothing after `within_s`, or when woken.

        Raises DatabaseUnavailable, and may then be asked again.
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
        """Let `take` return."""
        self._woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self) -> None:
        """Leave."""
        self._live.forget(self)

    def expects(self, event: FeedEvent) -> bool:
        """Whether `event`, which is wanted, is to be put aside."""
        return (self._joining or not self._behind) and event.cursor > self._after

    def put_aside(self, told: Told) -> None:
        """Keep `told` until it is taken, if there is not too much already."""
        if len(self._aside) >= MOST_ASIDE:
            self._aside.clear()
            self._behind, self._joining = True, False
        else:
            self._aside.append(told)
        self.wake()

    async def _catch_up(self) -> list[Told]:
        """A page from the database. What the reader finds meanwhile is put aside: where the page was the last, it joins on."""
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
