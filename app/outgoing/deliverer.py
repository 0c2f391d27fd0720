"""Claims due deliveries, sends them, records the outcomes, and disables endpoints that keep failing.

Several workers may run on one database. Outcomes that come together are recorded together. The deliveries of a worker
that died come due again when their leases end, and are sent with the same event id.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from opentelemetry.trace import SpanKind

from app.access import audit
from app.db.batcher import INDIVIDUALLY, Batcher
from app.db.engine import Database
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
from app.idempotency import lease
from app.jobs.loop import JobLoop, drain, persist, tell
from app.jobs.notifications import Notifications
from app.observability import metrics, tracing
from app.outgoing import delivery_statements, endpoint_statements
from app.outgoing.delivery_statements import DueDelivery, Failing, Outcome
from app.outgoing.fan_out import FanOut
from app.outgoing.sender import Sender
from app.projection.change_statements import CHANNEL

log = structlog.get_logger(__name__)

HELD_S = (0.002, 0.25)
"""Seconds until the next look while a running transaction holds events back: first and longest pause."""
LOOK_AFTER = 200
"""Deliveries after which new events are looked for without a notification: a full endpoint may have room again."""
ACTOR = "worker"


@dataclass(frozen=True, slots=True)
class DeliveringSettings:
    """`source` is this deployment in events. `concurrency` limits deliveries under way here, `each` those per endpoint.

    An endpoint that only fails for `give_up_after` is disabled.
    """

    source: str
    concurrency: int
    each: int
    lease: timedelta
    give_up_after: timedelta
    poll_s: float


class Deliverer:
    def __init__(
        self, database: Database, notifications: Notifications, sender: Sender, settings: DeliveringSettings
    ) -> None:
        self._database = database
        self._notifications = notifications
        self._relay = FanOut(database)
        self._sender = sender
        self._settings = settings
        self._busy: Counter[str] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._outcomes: Batcher[Outcome, None] = Batcher(self._finish)
        self._loop = JobLoop("deliveries", self._turn, poll_s=settings.poll_s)
        self.stop = self._loop.stop
        self._look = True
        self._look_at = 0.0
        self._held_s = HELD_S[0]
        self._noted = 0

    async def run(self) -> None:
        """Deliver until stopped. Without notifications, polling finds new events."""
        try:
            with self._notifications.subscribed(CHANNEL, self._grown):
                await self._loop.run()
        finally:
            await self.close()

    async def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        await self.settled()
        await self._sender.close()

    async def drain(self) -> int:
        """Deliver until nothing is due. Returns the number of deliveries made and sent."""

        async def take() -> int:
            taken = await self.take()
            await self.settled()
            return taken

        return await drain(take)

    def _grown(self) -> None:
        """Handle a notification: there are new events, or redeliveries."""
        self._look = True
        self._loop.wake()

    async def _turn(self) -> int:
        """Claim deliveries, and look for new events if there may be some. Look again soon if events are held back."""
        loop = asyncio.get_running_loop()
        taken = await self.take(look=self._look or self._noted >= LOOK_AFTER or loop.time() >= self._look_at)
        if not self._relay.held:
            self._held_s = HELD_S[0]
        elif not taken:
            loop.call_later(self._held_s, self._loop.wake)
            self._held_s = min(2 * self._held_s, HELD_S[1])
        return taken

    async def take(self, *, look: bool = True) -> int:
        """Make deliveries of new events, and start sending due ones while there is room. Returns how many of both."""
        made = await self._fan_out() if look else 0
        room = self._settings.concurrency - self._busy.total()
        if room <= 0:
            return made
        until = asyncio.get_running_loop().time() + self._settings.lease.total_seconds()
        ends = lease.lease_end(self._settings.lease)
        async with self._database.connection() as connection:
            due = await delivery_statements.claim(
                connection, room, each=self._settings.each, busy=+self._busy, lease=self._settings.lease
            )
        if lease.now() >= ends:  # this process slept: another one may have them by now, or have sent what follows them
            return made
        for one in due:
            self._busy[one.endpoint] += 1
            metrics.PUSH_UNDER_WAY.inc()
            task = asyncio.create_task(self._deliver(one, until))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return made + len(due)

    async def _fan_out(self) -> int:
        """Make deliveries of new events. Returns how many. Look again at once if there were any or more may follow."""
        self._look, self._noted = False, 0
        self._look_at = asyncio.get_running_loop().time() + self._settings.poll_s
        made = 1
        try:
            made = await self._relay.run_once()
        finally:  # what was notified meanwhile counts as well
            self._look = self._look or made > 0 or self._relay.held
        return made

    async def settled(self) -> None:
        """Wait until nothing is under way and all outcomes are recorded."""
        while self._sending:
            await asyncio.wait(self._sending)

    # One delivery

    async def _deliver(self, due: DueDelivery, until: float) -> None:
        """Send a delivery and record its outcome before its lease ends at `until`."""
        try:
            outcome = _outcome(due, await self._send(due))
            await persist(partial(self._note, outcome), until)
        except Exception as error:  # noqa: BLE001 -- it comes due again when its lease ends
            tell(error, "job_left_to_its_lease", queue="deliveries", job=due.id)
        finally:
            self._noted += 1
            self._busy[due.endpoint] -= 1
            metrics.PUSH_UNDER_WAY.dec()
            self._loop.wake()

    async def _send(self, due: DueDelivery) -> Attempt:
        now = written(datetime.now(UTC))
        if due.attempts > MOST_ATTEMPTS:  # its workers died of it, or with it
            return Attempt(now, 0, None, Failure.WORKER)
        if due.told is None and due.type != PING:
            return Attempt(now, 0, None, Failure.EVENT)
        said = {"delivery.id": due.id, "endpoint.id": due.endpoint, "event.id": due.event}
        with tracing.span("delivery", said | {"delivery.attempt": due.attempts}, kind=SpanKind.CLIENT) as span:
            attempt = await self._sender.send(due, self._document(due))
            if attempt.status:
                span.set_attribute("http.response.status_code", attempt.status)
            if attempt.failure:
                tracing.fail(span, attempt.failure)
        return attempt

    def _document(self, due: DueDelivery) -> bytes:
        source = self._settings.source
        if due.told is None:
            return ping_document(due.event, due.endpoint, due.created_at, source)
        return envelope(due.told, source)

    # What came of it

    async def _note(self, outcome: Outcome) -> None:
        """Record an outcome together with others, or individually if the batch fails."""
        if await self._outcomes.submit(outcome) is INDIVIDUALLY:
            await self._finish([outcome])

    async def _finish(self, outcomes: Sequence[Outcome]) -> Sequence[None]:
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
        gone = [Failing(one.due.endpoint, one.due.sent_with) for one in outcomes if one.attempt.gone]
        ends = dict.fromkeys(failing, DisabledReason.FAILING) | dict.fromkeys(gone, DisabledReason.GONE)
        for endpoint, reason in ends.items():
            try:
                await self._give_up(endpoint, reason)
            except Exception as error:  # noqa: BLE001 -- the outcomes are noted; the next failure brings it here again
                tell(error, "webhook_endpoint_not_disabled", endpoint=endpoint.id)
        return [None] * len(outcomes)

    async def _give_up(self, endpoint: Failing, reason: DisabledReason) -> None:
        """Disable an endpoint unless it was changed since it was sent to."""
        async with self._database.unit_of_work() as connection:
            disabled = await endpoint_statements.disable(connection, endpoint.id, reason, endpoint.sent_with)
            if disabled:
                await audit.record(
                    connection, actor=ACTOR, action="disable_webhook_endpoint", subject=endpoint.id, outcome=reason
                )
        if disabled:
            metrics.PUSH_DISABLED(reason).inc()
            log.error("webhook_endpoint_disabled", endpoint=endpoint.id, reason=reason)


def _tell(outcome: Outcome) -> None:
    """Count an outcome, and log it if it is a failure."""
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
    pause = pause_after(due.attempts, retry_after_s=attempt.retry_after_s)
    return Outcome(due, attempt, DeliveryStatus.FAILED, pause)
