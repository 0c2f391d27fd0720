"""Processes events from the inbox.

A batch is applied in one transaction: locks, rows, effects and the mark "processed" commit together. If an event needs
an answer of Stripe's, Stripe is asked between transactions, in the background, and the event is applied again with the
answer.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import structlog
from opentelemetry import trace

from app.db.engine import Database
from app.domain.backoff import Backoff
from app.domain.errors import DatabaseContention, DatabaseUnavailable
from app.domain.json import JsonView
from app.domain.redaction import in_a_line
from app.inbox import statements as inbox_statements
from app.inbox import telemetry
from app.inbox.envelope import read_event
from app.inbox.handlers import handle
from app.inbox.incoming import Incoming
from app.inbox.questions import MOST_QUESTIONS, QUESTIONS, Question, answer
from app.inbox.statements import DueEvent
from app.inbox.telemetry import Batch, ClaimedEvent
from app.jobs.loop import tell
from app.observability import logs, metrics
from app.projection import item_statements, named_objects, observation
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.client import StripeGateway
from app.stripe.mapping import Kind

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 12
"""Tries before an event is dead; with the pauses below, about half a day."""
BACKOFF = Backoff(first_s=2.0, longest_s=4 * 3600.0)

MOST_ASKING = 16
"""The most events for which Stripe is asked at once."""
MOST_WAITING = 500
"""The most events that may wait for Stripe's answers; beyond, the worker claims no more."""
MOST_FETCHING = 8
"""The most missing objects that are fetched at once. No event waits for them."""


@dataclass(slots=True)
class Task:
    """A claimed event in process."""

    handed: ClaimedEvent
    incoming: Incoming
    questions: int = 0

    @property
    def due(self) -> DueEvent:
        return self.handed.due


@dataclass(slots=True)
class Done:
    """The results of a batch: outcomes, questions to Stripe, and failures."""

    outcomes: list[tuple[DueEvent, str]] = field(default_factory=list)
    questions: list[tuple[Task, Question]] = field(default_factory=list)
    broken: list[tuple[Task, Exception]] = field(default_factory=list)


class Processor:
    """Applies events. A failing event does not affect the others of its batch."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._asking: dict[asyncio.Task[None], DueEvent] = {}
        self._permits = asyncio.Semaphore(MOST_ASKING)
        self._missing: set[Subject] = set()
        self._to_fetch: deque[Subject] = deque()
        self._fetching: set[asyncio.Task[None]] = set()

    async def process(self, batch: Sequence[DueEvent]) -> None:
        """Apply `batch`. Events that need an answer of Stripe's are finished in the background.

        Each event ends as processed, ignored, or failed with a reason. Raises DatabaseUnavailable; the events then come
        due again when their leases end.
        """
        with Batch.of(batch) as taken:
            tasks = [task for handed in taken.handed if (task := await self._read(handed))]
            if tasks:
                await self._link(tasks)
                await self._together(tasks)

    async def settled(self, *, fetched: bool = True) -> None:
        """Wait until no event waits for Stripe's answer, and nothing missing is left to fetch.

        Without `fetched`, objects that nobody has begun to fetch are left to the next events that name them.
        """
        while self._asking or self._fetching:
            if not fetched:
                self._to_fetch.clear()
            await asyncio.wait([*self._asking, *self._fetching], return_when=asyncio.FIRST_COMPLETED)

    async def extend_leases(self, lease: timedelta) -> int:
        """Extend the leases of the events that wait for Stripe's answers, so that nobody else claims them. Returns 0."""
        if held := list(self._asking.values()):
            async with self._database.connection() as connection:
                await inbox_statements.extend(connection, held, lease)
        return 0

    async def _read(self, handed: ClaimedEvent) -> Task | None:
        try:
            incoming = Incoming(read_event(handed.due.payload))
            _ = incoming.subjects or str(incoming.event.object["id"])
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
            await self._put_back(handed, error)
            return None
        return Task(handed, incoming)

    async def _link(self, tasks: Sequence[Task]) -> None:
        """Find the invoices of the PaymentIntents among the events: stored ones, or told by other events of the batch."""
        unlinked = [task.incoming for task in tasks if task.incoming.unlinked]
        if unlinked:
            async with self._database.connection() as connection:
                stored = await item_statements.invoices_of(connection, {str(it.unlinked) for it in unlinked})
            told = {link.payment_intent: link.invoice for task in tasks if (link := task.incoming.link)}
            known = told | stored
            for incoming in unlinked:
                incoming.invoice = known.get(str(incoming.unlinked))

    async def _together(self, tasks: Sequence[Task]) -> None:
        """Apply `tasks` in one transaction, or each alone if the database refuses that."""
        try:
            questions = await self._apply(tasks)
        except Exception as error:
            if isinstance(error, DatabaseUnavailable) and not isinstance(error, DatabaseContention):
                raise
            if len(tasks) == 1:
                await self._put_back(tasks[0].handed, error)
                return
            for task in tasks:
                await self._together([task])
            return
        for task, question in questions:
            task.handed.ended("asked")
            asking = asyncio.create_task(self._ask(task, question))
            self._asking[asking] = task.due
            asking.add_done_callback(self._asked)
        metrics.EVENTS_ASKING.set(len(self._asking))
        while len(self._asking) > MOST_WAITING:
            await asyncio.wait(self._asking, return_when=asyncio.FIRST_COMPLETED)

    async def _apply(self, tasks: Sequence[Task]) -> list[tuple[Task, Question]]:
        async with self._database.unit_of_work() as connection:
            ours = await inbox_statements.hold(connection, [task.due for task in tasks])
            mine = [task for task in tasks if task.due.id in ours]
            for task in mine:
                task.incoming.applied = ours[task.due.id]
            subjects = {subject for task in mine for subject in task.incoming.subjects}
            unit = await UnitOfWork.of(connection, subjects)
            done = _take_in(unit, mine)
            customers = unit.customers_of_new_invoices()
            await unit.flush()
            await inbox_statements.finish(connection, done.outcomes)
            missing = await named_objects.unknown(connection, _invoices(mine), customers)
        _tell(mine, {due.id: status for due, status in done.outcomes}, unit)
        for task in tasks:
            if task.due.id not in ours:
                task.handed.ended("lost")
        for task, problem in done.broken:
            await self._put_back(task.handed, problem)
        self._fetch_missing(missing)
        return done.questions

    # Asking Stripe

    def _asked(self, ended: asyncio.Task[None]) -> None:
        del self._asking[ended]
        metrics.EVENTS_ASKING.set(len(self._asking))

    async def _ask(self, task: Task, first: Question) -> None:
        """Ask Stripe and apply the event, until it has no more questions."""
        question: Question | None = first
        with (
            logs.context(request_id=task.due.request_id, event_id=task.due.id),
            trace.use_span(task.handed.span, record_exception=False, set_status_on_exception=False),
        ):
            try:
                while question:
                    task.questions += 1
                    if task.questions > MOST_QUESTIONS:
                        raise question  # noqa: TRY301 -- it ends where every failure ends
                    log.info("asked_stripe", type=task.due.type, question=str(question))
                    async with self._permits:
                        await answer(self._gateway, task.incoming, question)
                    question = next((asked for _, asked in await self._apply([task])), None)
            except DatabaseUnavailable:
                self._leave(task.handed)
            except Exception as error:  # noqa: BLE001 -- whatever it was, the event is tried again later
                await self._put_back_if_possible(task.handed, error)
            telemetry.answered(task.handed)

    def _fetch_missing(self, subjects: Iterable[Subject]) -> None:
        """Fetch what events name and is unknown here, each object once, however many events name it meanwhile."""
        new = [subject for subject in subjects if subject not in self._missing]
        self._missing.update(new)
        self._to_fetch.extend(new)
        fetching_now = sum(not one.done() for one in self._fetching)
        for _ in range(min(len(self._to_fetch), MOST_FETCHING - fetching_now)):
            fetching = asyncio.create_task(self._fetch_queued())
            self._fetching.add(fetching)
            fetching.add_done_callback(self._fetching.discard)

    async def _fetch_queued(self) -> None:
        while self._to_fetch:
            subject = self._to_fetch.popleft()
            await self._fetch(subject)
            self._missing.discard(subject)

    async def _fetch(self, subject: Subject) -> None:
        try:
            if subject.kind is Kind.INVOICE:
                await named_objects.keep_discounts(self._database, self._gateway, subject.id)
            else:
                await observation.take_over(self._database, self._gateway, subject, "missing")
        except Exception as error:  # noqa: BLE001 -- no event waits for it
            tell(error, "missing_parent_not_fetched", subject=subject.id)

    # Failing

    async def _put_back_if_possible(self, handed: ClaimedEvent, error: Exception) -> None:
        try:
            await self._put_back(handed, error)
        except Exception as failure:  # noqa: BLE001 -- it comes due again when its lease ends
            tell(failure, "event_not_put_back", event_id=handed.due.id)
            self._leave(handed)

    def _leave(self, handed: ClaimedEvent) -> None:
        log.warning("event_left_to_its_lease", event_id=handed.due.id)
        handed.ended("left")

    async def _put_back(self, handed: ClaimedEvent, error: Exception) -> None:
        due = handed.due
        dead = due.attempts >= MOST_ATTEMPTS
        reason = in_a_line(error)
        log.error("event_failed", event_id=due.id, type=due.type, attempts=due.attempts, dead=dead, reason=reason)
        async with self._database.connection() as connection:
            await inbox_statements.fail(connection, due, reason, BACKOFF.pause(due.attempts), dead=dead)
        handed.ended("dead" if dead else "failed")


def _take_in(unit: UnitOfWork, tasks: Sequence[Task]) -> Done:
    """Apply events. One with a question is tried again after the others, which may have answered it."""
    done = Done()
    waiting = tasks
    while waiting:
        done.questions = []
        for task in waiting:
            unit.cause = task.due.id
            try:
                with unit.all_or_nothing():
                    done.outcomes.append((task.due, handle(task.due.type, unit, task.incoming)))
            except QUESTIONS as question:
                done.questions.append((task, question))
            except Exception as error:  # noqa: BLE001 -- the unit of work undid it; the others go on
                done.broken.append((task, error))
        answered = len(done.questions) < len(waiting)
        waiting = [task for task, _ in done.questions] if answered else []
    return done


def _tell(tasks: Sequence[Task], outcomes: Mapping[str, str], unit: UnitOfWork) -> None:
    """Record the outcome of each event of a committed batch."""
    for task in tasks:
        task.handed.invoice = task.incoming.about
        if task.due.id in outcomes:
            task.handed.ended(outcomes[task.due.id])
    telemetry.fulfillments(unit.fulfillments.changes, (task.handed for task in tasks))


def _invoices(tasks: Iterable[Task]) -> list[JsonView]:
    """The invoices that the events show, in our API version."""
    found = (task.incoming for task in tasks if not task.incoming.foreign)
    return [it.event.object for it in found if it.event.object.get("object") == "invoice"]
