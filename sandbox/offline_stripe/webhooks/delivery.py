"""Delivers stored events to their endpoints, until each has answered 2xx.

A background task makes the attempts, with retries on the virtual clock: at least once, in no promised order, at most
sixteen at a time.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from offline_stripe.documents import Document, from_text, pretty, to_text
from offline_stripe.store.transaction import Store
from offline_stripe.webhooks.signing import signature_header

logger = logging.getLogger("sandbox.webhooks")
MOST_IN_FLIGHT = 16
LONGEST_NAP_S = 1.0
KEPT_ANSWER = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the `deliveries` table."""

    seq: int
    event: str
    endpoint: str
    attempts: int
    created_at: float
    copies: int


class Deliveries:
    """Sends what is due; `wake` is called after every commit that recorded events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._in_flight: dict[int, asyncio.Task[bool]] = {}
        self._http: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        self._http = aiohttp.ClientSession(connector=connector, trust_env=False, auto_decompress=False)
        self._task = asyncio.create_task(self._run())

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("deliveries have not been started")
        return self._http

    async def stop(self) -> None:
        tasks = [*self._in_flight.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def abort(self) -> None:
        """Give up what is under way, without a trace; for a reset."""
        tasks = [*self._in_flight.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        self._wake.set()

    # What is waiting

    def waiting(self) -> Document:
        """Due or first-time deliveries, those under way, those held, and later retries."""
        now = self._store.clock.now()
        database = self._store.database
        pending = database.count(
            "SELECT count(*) FROM deliveries WHERE state = 'pending' AND (attempts = 0 OR due_at <= ?)", (now,)
        )
        retrying = database.count(
            "SELECT count(*) FROM deliveries WHERE state = 'pending' AND attempts > 0 AND due_at > ?", (now,)
        )
        held = database.count("SELECT count(*) FROM deliveries WHERE state = 'held'")
        flying = len(self._in_flight)
        return {"pending": max(0, pending - flying), "in_flight": flying, "held": held, "retrying": retrying}

    async def wait_idle(self, timeout_s: float, *, retries: bool = False) -> Document:
        """Until nothing is pending or in flight; `idle` says whether that was reached in time."""

        def idle() -> bool:
            state = self.waiting()
            return not (state["pending"] or state["in_flight"] or (retries and state["retrying"]))

        return {"idle": await self._wait_until(idle, timeout_s), **self.waiting()}

    async def wait_heard(self, timeout_s: float) -> bool:
        """Until every delivery that is due by now has had its attempt."""

        def heard() -> bool:
            now = self._store.clock.now()
            return not self._in_flight and not self._store.database.count(
                "SELECT count(*) FROM deliveries WHERE state = 'pending' AND due_at <= ?", (now,)
            )

        return await self._wait_until(heard, timeout_s)

    async def _wait_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        reached = done()
        deadline = time.monotonic() + timeout_s
        while not reached and time.monotonic() < deadline:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(0.25, max(0.0, deadline - time.monotonic()))):
                    await self._changed.wait()
            reached = done()
        return reached

    # The background task

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                self._launch_due()
            except Exception:
                logger.exception("deliveries could not be read")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._nap()):
                    await self._wake.wait()

    def _launch_due(self) -> None:
        room = MOST_IN_FLIGHT - len(self._in_flight)
        if room <= 0:
            return
        rows = self._store.database.all(
            "SELECT seq, event, endpoint, attempts, created_at, copies FROM deliveries"
            " WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, seq LIMIT ?",
            (self._store.clock.now(), room + len(self._in_flight)),
        )
        for row in rows:
            delivery = Delivery(*row)  # type: ignore[arg-type]
            if delivery.seq not in self._in_flight and len(self._in_flight) < MOST_IN_FLIGHT:
                self._launch(delivery)

    def _launch(self, delivery: Delivery) -> None:
        self._in_flight[delivery.seq] = task = asyncio.create_task(self._deliver(delivery))
        task.add_done_callback(lambda _: self._landed(delivery.seq, task))

    def _landed(self, seq: int, task: asyncio.Task[bool]) -> None:
        """Called also for a task that was cancelled before it began."""
        crowded = len(self._in_flight) >= MOST_IN_FLIGHT
        del self._in_flight[seq]
        if crowded or task.cancelled() or not task.result():  # others wait for the place, or a retry has been planned
            self._wake.set()
        self._changed.set()

    def _nap(self) -> float:
        """Until the next delivery is due, at most a second; what is due already is under way, or will wake us."""
        now = self._store.clock.now()
        row = self._store.database.one(
            "SELECT min(due_at) FROM deliveries WHERE state = 'pending' AND due_at > ?", (now,)
        )
        if row is None or row[0] is None:
            return LONGEST_NAP_S
        return min(LONGEST_NAP_S, float(str(row[0])) - now)

    # One delivery

    async def _deliver(self, delivery: Delivery) -> bool:
        try:
            return await self.attempt(delivery)
        except Exception:
            logger.exception("a delivery of %s failed inside the sandbox", delivery.event)
            return False

    async def attempt(self, delivery: Delivery) -> bool:
        """Send once (and its duplicates); records the attempt and what follows from it."""
        endpoint = self._endpoint(delivery.endpoint)
        event = self._event(delivery.event)
        if endpoint is None or event is None or endpoint["status"] != "enabled":
            with self._store.database.writing():
                self._settle(delivery, "abandoned")
                self._acknowledge(delivery.event)
            return False
        copies = delivery.copies if delivery.attempts == 0 else 0
        answers = await asyncio.gather(*(self._post(endpoint, event) for _ in range(1 + copies)))
        accepted = any(answer["status"] in range(200, 300) for answer in answers)
        with self._store.database.writing():
            for copy, answer in enumerate(answers):
                self._note(delivery, endpoint, answer, copy)
            self._conclude(delivery, accepted=accepted)
        return accepted

    async def _post(self, endpoint: Document, event: Document) -> Document:
        if endpoint["api_version"]:
            event = {**event, "api_version": endpoint["api_version"]}
        body = pretty(event)
        started = time.monotonic()
        status: int | None = None
        error: str | None = None
        answer = ""
        try:
            timeout = aiohttp.ClientTimeout(total=self._store.switches.delivery_timeout_s)
            async with self._session.post(
                endpoint["url"], data=body, headers=self._headers(endpoint, body), timeout=timeout,
                allow_redirects=False,
            ) as response:  # fmt: skip
                status = response.status
                answer = (await response.content.read(KEPT_ANSWER)).decode("utf-8", "replace")
        except TimeoutError:
            error = "timed out"
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            error = type(problem).__name__
        took = round((time.monotonic() - started) * 1000, 1)
        return {"status": status, "error": error, "answer": answer, "duration_ms": took}

    def _headers(self, endpoint: Document, body: bytes) -> dict[str, str]:
        now = self._store.clock.now() if self._store.switches.signature_uses_virtual_clock else time.time()
        secrets = [endpoint["_secret"]]
        if endpoint.get("_old_secret") and self._store.clock.now() < endpoint["_old_secret_until"]:
            secrets.append(endpoint["_old_secret"])
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Cache-Control": "no-cache",
            "Accept": "*/*; q=0.5, application/xml",
            "Stripe-Signature": signature_header(body, secrets, int(now)),
        }

    # Bookkeeping

    def _endpoint(self, identifier: str) -> Document | None:
        row = self._store.database.one("SELECT doc FROM objects WHERE id = ?", (identifier,))
        return from_text(str(row[0])) if row else None

    def _event(self, identifier: str) -> Document | None:
        row = self._store.database.one("SELECT doc FROM events WHERE id = ?", (identifier,))
        return from_text(str(row[0])) if row else None

    def _note(self, delivery: Delivery, endpoint: Document, answer: Document, copy: int) -> None:
        entry: Document = {
            "event": delivery.event,
            "endpoint": endpoint["id"],
            "url": endpoint["url"],
            "attempt": delivery.attempts + 1,
            "copy": copy,
            "at": self._store.clock.now(),
            **answer,
        }
        self._store.database.execute(
            "INSERT INTO attempts (event, doc) VALUES (?, ?)", (delivery.event, to_text(entry))
        )

    def _conclude(self, delivery: Delivery, *, accepted: bool) -> None:
        attempts = delivery.attempts + 1
        if accepted:
            self._settle(delivery, "delivered", attempts)
            self._acknowledge(delivery.event)
            return
        switches = self._store.switches
        due_at = self._store.clock.now() + switches.retry_base_s * 2.0 ** (attempts - 1)
        state = "pending" if due_at <= delivery.created_at + switches.retry_horizon_s else "failed"
        self._settle(delivery, state, attempts, due_at)

    def _settle(self, delivery: Delivery, state: str, attempts: int | None = None, due_at: float = 0.0) -> None:
        self._store.database.execute(
            "UPDATE deliveries SET state = ?, attempts = ?, due_at = ? WHERE seq = ?",
            (state, delivery.attempts if attempts is None else attempts, due_at, delivery.seq),
        )

    def _acknowledge(self, event: str) -> None:
        """`pending_webhooks` counts the endpoints that have not answered 2xx yet."""
        database = self._store.database
        database.execute("UPDATE events SET pending = max(0, pending - 1) WHERE id = ?", (event,))
        row = database.one(
            "SELECT type, pending, json_extract(doc, '$.data.object.id') FROM events WHERE id = ?", (event,)
        )
        if row is None or row[0] != "invoice.created" or row[1]:
            return
        stored = database.one("SELECT doc FROM objects WHERE id = ?", (row[2],))
        if stored is not None:
            invoice = from_text(str(stored[0]))
            invoice["webhooks_delivered_at"] = int(self._store.clock.now())
            database.execute("UPDATE objects SET doc = ? WHERE id = ?", (to_text(invoice), row[2]))
