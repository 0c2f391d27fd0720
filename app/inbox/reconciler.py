"""The search for events that never arrived: compares Stripe's list of events with the inbox.

Stripe keeps events for thirty days. A cursor in the database says up to when all are stored. Missing events enter the
same inbox as deliveries. If a pass dies, the cursor stays at the last finished slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from app.db import coverage
from app.db.coverage import EVENTS, LOST_FROM, LOST_UNTIL, Covered
from app.db.engine import Database
from app.domain.errors import InvoicingError, MalformedRequest, NotAtStripe, StripeInvalidRequest
from app.domain.json import JsonObject
from app.inbox import drift, replay_statements
from app.inbox import statements as inbox_statements
from app.inbox.envelope import read_envelope
from app.inbox.handlers import HANDLERS
from app.inbox.stored_event import RECONCILED, Origin, is_ours, new_event
from app.stripe.client import StripeGateway
from app.stripe.mapping import Kind

log = structlog.get_logger(__name__)

KEPT = timedelta(days=30)
"""How long Stripe keeps events."""
ALARM = timedelta(days=25)
"""The age of the cursor from which an error is logged."""
OVERLAP = timedelta(minutes=10)
"""How far before the cursor a pass begins, as events become visible a little after their date."""
PROOFS = 10
"""How many invoices are asked for before a key counts as another account's. In test mode data can be deleted."""
SLICE = timedelta(days=3)
"""The time span compared between two moves of the cursor."""


@dataclass(slots=True)
class ReconcilerPass:
    """The results of a pass. `missed` are the ids of events that never arrived and are queued now."""

    since: datetime
    complete_until: datetime
    compared: int = 0
    missed: list[str] = field(default_factory=list)


async def require_same_account(database: Database, gateway: StripeGateway, *, livemode: bool) -> None:
    """Raise NotAtStripe for a key of another account: it knows none of the newest invoices that Stripe must know."""
    async with database.connection() as connection:
        newest = await drift.newest_finalized(connection, livemode=livemode, most=PROOFS)
    for invoice in newest:
        try:
            await gateway.get(f"/v1/invoices/{invoice}")
        except InvoicingError as error:
            if isinstance(error, StripeInvalidRequest) and error.object_missing:
                continue
        return  # it is known, or it cannot be told now
    if newest:
        raise NotAtStripe(Kind.INVOICE, newest[0])


class Reconciler:
    """Compares Stripe's events with the inbox. Events younger than `settled` may still be delivered and are skipped."""

    def __init__(self, database: Database, gateway: StripeGateway, *, livemode: bool, settled: timedelta) -> None:
        self._database = database
        self._gateway = gateway
        self._livemode = livemode
        self._settled = settled

    async def reconcile(self, since: datetime | None = None) -> ReconcilerPass | None:
        """Compare all events from the cursor, or from `since`, until now. None: another process is doing it."""
        async with coverage.alone(self._database) as alone:
            return await self._pass(since) if alone else None

    async def covered(self) -> Covered | None:
        """How far the comparison has come; None before the first pass."""
        async with self._database.connection() as connection:
            return await coverage.read(connection)

    async def _pass(self, since: datetime | None) -> ReconcilerPass:
        covered = await self.covered()
        known = covered.complete_until if covered else None
        now = await self._stripe_time(known)
        await require_same_account(self._database, self._gateway, livemode=self._livemode)
        oldest = now - KEPT
        if known and known < oldest:
            async with self._database.connection() as connection:
                await coverage.extend(connection, LOST_FROM, known)
                await coverage.extend(connection, LOST_UNTIL, oldest)
        start = max(oldest, since or (min(known, now) - OVERLAP if known else oldest))
        done = ReconcilerPass(start, start)
        end = max(start, now - self._settled)
        while done.complete_until < end:
            until = min(done.complete_until + SLICE, end)
            await self._slice(done, until, extends=since is None or bool(known and start <= known))
        log.info("reconciled", since=start, until=end, compared=done.compared, missed=len(done.missed))
        return done

    async def _stripe_time(self, known: datetime | None) -> datetime:
        """The time by Stripe's clock. An old cursor is logged even if Stripe cannot be asked."""
        now = datetime.now(UTC)
        try:
            now = (await self._gateway.get("/v1/events", {"limit": 1})).until
        finally:
            self._raise_alarm(now, known)
        return now

    def _raise_alarm(self, now: datetime, known: datetime | None) -> None:
        """Log an old cursor."""
        if known and now - known > KEPT:
            log.error("coverage_lost", complete_until=known, lost_until=now - KEPT)
        elif known and now - known > ALARM:
            log.error("coverage_near_its_end", complete_until=known, days_left=(KEPT - (now - known)).days)

    async def _slice(self, done: ReconcilerPass, until: datetime, *, extends: bool) -> None:
        """Store the events missing from `done.complete_until` to `until`, then move the cursor."""
        compared, missed = 0, []
        span = {"gte": int(done.complete_until.timestamp()), "lte": int(until.timestamp())}
        async for page in self._gateway.lists("/v1/events", {"created": span}):
            compared += len(page.data["data"])
            missed += await self._record_missing(page.data["data"])
        async with self._database.connection() as connection:
            if extends:
                await coverage.extend(connection, EVENTS, until, compared=compared, missed=len(missed))
        if missed:
            log.warning("events_were_missed", count=len(missed), first=missed[:20], before=until)
        done.complete_until = until
        done.compared += compared
        done.missed += missed

    async def _record_missing(self, page: Sequence[JsonObject]) -> list[str]:
        """Store the missing ones of the page's handled events. Returns their ids."""
        wanted = {event["id"]: event for event in page if event["type"] in HANDLERS}
        if not wanted:
            return []
        made = {event_id: datetime.fromtimestamp(event["created"], UTC) for event_id, event in wanted.items()}
        async with self._database.connection() as connection:
            missing = [wanted[event_id] for event_id in await replay_statements.unknown(connection, made)]
            events = []
            for event in missing:
                payload = msgspec.json.encode(event)
                try:
                    envelope = read_envelope(payload)
                except MalformedRequest as error:  # one event's fault must not hold the others back for ever
                    log.error("missed_event_not_readable", event_id=event["id"], error=str(error))  # noqa: TRY400 -- said
                    continue
                ours = is_ours(envelope, livemode=self._livemode)
                events.append(new_event(envelope, payload.decode(), Origin(RECONCILED), ours=ours))
            return sorted(await inbox_statements.record(connection, events)) if events else []
