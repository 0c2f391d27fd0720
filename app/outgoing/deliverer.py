"""Owns the delivering: claim what is due, send it, note what came of it, give up endpoints that are dead.

Several workers may run on one database. A delivery's outcome is noted with those of others that end meanwhile; what a
dead worker held comes due again when its lease ends, and is sent again under the same id.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from opentelemetry.trace import SpanKind

from app.access import audit
from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable
from app.domain.events import envelope, written
from app.domain.outgoing import (
    MOST_ATTEMPTS,
    PING,
    Attempt,
    DeliveryStatus,
    DisabledReason,
    Failure,
    pause_after,
    ping_document,
)
from app.jobs.notifications import Bell
from app.observability import metrics, tracing
from app.outgoing import delivery_statements, endpoint_statements
from app.outgoing.delivery_statements import DueDelivery, Outcome
from app.outgoing.fan_out import Relay
from app.outgoing.sender import Sender

log = structlog.get_logger(__name__)

REST_S = 1.0
"""Seconds between tries while the database is away."""
HELD_S = (0.002, 0.25)
"""While a transaction that still runs holds events back: how soon it is looked again, at first and at most."""
LOOK_AFTER = 200
"""Deliveries after which new events are looked for without a ring: an endpoint that had enough to do may take more."""
ACTOR = "worker"


@dataclass(frozen=True, slots=True)
class DeliveringSettings:
    """source: this deployment, as events name it. concurrency: deliveries under way here; each: of them, per endpoint.

    give_up_after: for how long an endpoint may do nothing but fail.
    """

    source: str
    concurrency: int
    each: int
    lease: timedelta
    give_up_after: timedelta
    poll_s: float


class Deliverer:
    """Delivers until `stop` is called."""

    def __init__(self, database: Database, bell: Bell, sender: Sender, settings: DeliveringSettings) -> None:
        self._database = database
        self._bell = bell
        self._relay = Relay(database)
        self._sender = sender
        self._settings = settings
        self._busy: Counter[str] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._finished: list[Outcome] = []
        self._noting: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._look = True
        self._noted = 0

    def stop(self) -> None:
        """Finish the deliveries under way, then return from run."""
        self._stopping.set()
        self._woken.set()

    async def run(self) -> None:
        """Deliver until stopped; a database that is away is waited for."""
        hearing = asyncio.create_task(self._hear())
        held_s = HELD_S[0]
        try:
            while not self._stopping.is_set():
                try:
                    if not await self.take(look=self._look or self._noted >= LOOK_AFTER):
                        await self._rest(held_s if self._relay.held else self._settings.poll_s)
                    held_s = min(2 * held_s, HELD_S[1]) if self._relay.held else HELD_S[0]
                except DatabaseUnavailable:
                    log.warning("waiting_for_database")
                    await self._rest(REST_S)
                except Exception:  # what was claimed comes due again when its lease ends
                    log.exception("delivering_failed")
                    await self._rest(REST_S)
        finally:
            hearing.cancel()
            await self.close()

    async def close(self) -> None:
        """End what is under way, and close the connections."""
        await self.settled()
        await self._sender.close()

    async def drain(self) -> int:
        """Deliver until nothing is due; how many deliveries that were."""
        delivered = 0
        while count := await self.take():
            delivered += count
            await self.settled()
        return delivered

    async def take(self, *, look: bool = True) -> int:
        """Make deliveries of new events, and begin to send what is due where there is room; how many of both."""
        self._woken.clear()
        made = await self._fan_out() if look else 0
        room = self._settings.concurrency - self._busy.total()
        if room <= 0:
            return made
        async with self._database.connection() as connection:
            due = await delivery_statements.claim(
                connection, room, each=self._settings.each, busy=+self._busy, lease=self._settings.lease
            )
        for one in due:
            self._busy[one.endpoint] += 1
            metrics.PUSH_UNDER_WAY.inc()
            task = asyncio.create_task(self._deliver(one))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return made + len(due)

    async def _fan_out(self) -> int:
        """Make deliveries of new events; how many. Where there were any, or may be soon, it is looked again at once."""
        self._look, self._noted = False, 0
        made = 1
        try:
            made = await self._relay.run_once()
        finally:  # whoever rang meanwhile is heard as well
            self._look = self._look or made > 0 or self._relay.held
        return made

    async def settled(self) -> None:
        """Return when nothing is under way and everything that came of it is noted."""
        while self._sending or self._noting:
            await asyncio.wait({*self._sending, *([self._noting] if self._noting else [])})

    # One delivery

    async def _deliver(self, due: DueDelivery) -> None:
        now = written(datetime.now(UTC))
        if due.attempts > MOST_ATTEMPTS:  # its workers died of it, or with it
            attempt = Attempt(now, 0, None, Failure.WORKER)
        elif due.told is None and due.type != PING:
            attempt = Attempt(now, 0, None, Failure.EVENT)
        else:
            said = {"delivery.id": due.id, "endpoint.id": due.endpoint, "event.id": due.event}
            with tracing.span("delivery", said | {"delivery.attempt": due.attempts}, kind=SpanKind.CLIENT) as span:
                attempt = await self._sender.send(due, self._document(due))
                if attempt.status:
                    span.set_attribute("http.response.status_code", attempt.status)
                if attempt.failure:
                    tracing.fail(span, attempt.failure)
        self._finished.append(_outcome(due, attempt))
        if self._noting is None:
            self._noting = asyncio.create_task(self._note())

    def _document(self, due: DueDelivery) -> bytes:
        source = self._settings.source
        if due.told is None:
            return ping_document(due.event, due.endpoint, due.created_at, source)
        return envelope(due.told, source)

    # What came of it

    async def _note(self) -> None:
        """Note what has ended, and what ends meanwhile, until there is nothing more to note."""
        try:
            while self._finished:
                outcomes, self._finished = self._finished, []
                try:
                    await self._finish(outcomes)
                except DatabaseUnavailable:
                    log.warning("deliveries_left_to_their_leases", deliveries=len(outcomes))
                finally:
                    self._noted += len(outcomes)
                    self._busy.subtract(outcome.due.endpoint for outcome in outcomes)
                    metrics.PUSH_UNDER_WAY.dec(len(outcomes))
                    self._woken.set()
        finally:
            self._noting = None

    async def _finish(self, outcomes: list[Outcome]) -> None:
        async with self._database.connection() as connection:
            failing = await delivery_statements.finish(connection, outcomes, self._settings.give_up_after)
        for outcome in outcomes:
            _tell(outcome)
        if accepted := [outcome for outcome in outcomes if outcome.attempt.accepted]:
            log.info(
                "delivered",
                count=len(accepted),
                deliveries=[outcome.due.id for outcome in accepted],
                events=[outcome.due.event for outcome in accepted],
                ms=max(outcome.attempt.ms for outcome in accepted),
            )
        ends = dict.fromkeys(failing, DisabledReason.FAILING) | {
            outcome.due.endpoint: DisabledReason.GONE for outcome in outcomes if outcome.attempt.gone
        }
        for endpoint, reason in sorted(ends.items()):
            await self._give_up(endpoint, reason)

    async def _give_up(self, endpoint: str, reason: DisabledReason) -> None:
        """Disable an endpoint. Where this process dies before, the next failure brings it here again."""
        async with self._database.unit_of_work() as connection:
            disabled = await endpoint_statements.disable(connection, endpoint, reason)
            if disabled:
                await audit.record(
                    connection, actor=ACTOR, action="disable_webhook_endpoint", subject=endpoint, outcome=reason
                )
        if disabled:
            metrics.PUSH_DISABLED(reason).inc()
            log.error("webhook_endpoint_disabled", endpoint=endpoint, reason=reason)

    async def _hear(self) -> None:
        """Hear of new events, and of deliveries that are asked for; without the bell the poll still finds them."""
        heard = self._bell.rings
        while True:
            heard = await self._bell.wait(heard, self._settings.poll_s)
            self._look = True
            self._woken.set()

    async def _rest(self, seconds: float) -> None:
        if not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()


def _tell(outcome: Outcome) -> None:
    """Count an outcome; one that is no success has a line of its own in the log."""
    due, attempt = outcome.due, outcome.attempt
    metrics.PUSH_ATTEMPTS(attempt.failure or "accepted").inc()
    if attempt.accepted:
        if due.told is not None:
            metrics.PUSH_LATENCY.observe((datetime.now(UTC) - due.told.at).total_seconds())
        return
    log.warning(
        "delivery_failed",
        ms=attempt.ms,
        delivery=due.id,
        endpoint=due.endpoint,
        event_id=due.event,
        attempts=due.attempts,
        error=attempt.failure,
        status=attempt.status,
        dead=outcome.status is DeliveryStatus.DEAD,
    )


def _outcome(due: DueDelivery, attempt: Attempt) -> Outcome:
    if attempt.accepted:
        return Outcome(due, attempt, DeliveryStatus.DELIVERED, timedelta())
    if due.attempts >= MOST_ATTEMPTS or attempt.failure is Failure.EVENT:
        return Outcome(due, attempt, DeliveryStatus.DEAD, timedelta())
    dice = random.random()  # noqa: S311 -- no secret hangs on it
    return Outcome(due, attempt, DeliveryStatus.FAILED, pause_after(due.attempts, dice, attempt.retry_after_s))
