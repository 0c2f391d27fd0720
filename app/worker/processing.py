"""Owns the way of an event from the inbox to its effects.

A batch of events is applied in one transaction: locks, rows, effects and the mark "processed" commit together.
What an event cannot say is asked of Stripe between transactions, and the event is applied again with the answer.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import structlog

from app.db import inbox, items
from app.db.engine import Database
from app.db.inbox import DueEvent
from app.db.models import InvoicePayment
from app.db.records import store
from app.domain.errors import DatabaseUnavailable, InvoicingError
from app.services import observing
from app.services.ledger import Ledger, Subject, Unordered
from app.stripe_gateway.client import StripeGateway
from app.webhooks.envelope import read_event
from app.webhooks.handlers import HANDLERS, AttemptUnclear, Incoming, Unlinked

log = structlog.get_logger(__name__)

MOST_QUESTIONS = 4
"""How often one event may ask Stripe in one go: link, invoice, PaymentIntent, and one more for a race."""

MOST_ATTEMPTS = 12
"""Tries before an event is set aside as dead; with the pauses below, about a day."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 4 * 3600.0

Question = Unordered | Unlinked | AttemptUnclear


@dataclass(slots=True)
class Task:
    """An event handed out, being processed."""

    due: DueEvent
    incoming: Incoming
    questions: int = 0


class Processor:
    """Applies events. One event's failure is its own: its neighbours are applied without it."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def process(self, batch: Sequence[DueEvent]) -> None:
        """Bring every event of `batch` to processed, ignored, or back into the inbox with the reason.

        Raises DatabaseUnavailable; the events then come due again when their lease ends.
        """
        tasks = [task for due in batch if (task := await self._read(due))]
        if tasks:
            await self._link(tasks)
            await self._together(tasks)

    async def _read(self, due: DueEvent) -> Task | None:
        try:
            return Task(due, Incoming(read_event(due.payload), fetched={}))
        except msgspec.MsgspecError as error:
            await self._put_back(due, error)
            return None

    async def _link(self, tasks: Sequence[Task]) -> None:
        """Say which invoices the PaymentIntents among the events pay, as far as it is known here."""
        intents = {task.incoming.event.object["id"]: task for task in tasks if task.incoming.subject is None}
        if intents:
            async with self._database.connection() as connection:
                known = await items.invoices_of(connection, intents)
            for task in tasks:
                if task.incoming.subject is None:
                    task.incoming.invoice = known.get(task.incoming.event.object["id"])

    async def _together(self, tasks: Sequence[Task]) -> None:
        """Apply `tasks` in one transaction; where that fails, each alone."""
        try:
            questions = await self._apply(tasks)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 -- an event's fault must not stop the others
            if len(tasks) == 1:
                await self._put_back(tasks[0].due, error)
                return
            for task in tasks:
                await self._together([task])
            return
        for task, question in questions:
            await self._ask(task, question)

    async def _apply(self, tasks: Sequence[Task]) -> list[tuple[Task, Question]]:
        questions: list[tuple[Task, Question]] = []
        async with self._database.unit_of_work() as connection:
            ours = await inbox.hold(connection, [task.due for task in tasks])
            mine = [task for task in tasks if task.due.id in ours]
            ledger = await Ledger.of(connection, _subjects(mine))
            outcomes = []
            for task in mine:
                try:
                    HANDLERS[task.due.type](ledger, task.incoming)
                except (Unordered, Unlinked, AttemptUnclear) as question:
                    questions.append((task, question))
                else:
                    outcomes.append((task.due.id, _outcome(task)))
            await ledger.flush()
            await inbox.finish(connection, outcomes)
        return questions

    async def _ask(self, task: Task, question: Question) -> None:
        """Ask Stripe what the event could not say, then apply the event again."""
        task.questions += 1
        try:
            if task.questions > MOST_QUESTIONS:
                raise question
            await self._answer(task, question)
        except DatabaseUnavailable:
            raise
        except (InvoicingError, Unordered, Unlinked, AttemptUnclear) as error:
            await self._put_back(task.due, error)
        else:
            await self._together([task])

    async def _answer(self, task: Task, question: Question) -> None:
        log.info("asked_stripe", event_id=task.due.id, type=task.due.type, question=str(question))
        match question:
            case Unordered():
                task.incoming.fetched[question.subject] = await observing.observe(self._gateway, question.subject)
            case Unlinked():
                link = await observing.invoice_of(self._gateway, question.payment_intent)
                task.incoming.invoice = link["invoice"] if link else ""
                if link:
                    async with self._database.unit_of_work() as connection:
                        await store(connection, InvoicePayment, [link])
            case AttemptUnclear():
                task.incoming.intent = await observing.payment_intent(self._gateway, question.payment_intent)

    async def _put_back(self, due: DueEvent, error: BaseException) -> None:
        dead = due.attempts >= MOST_ATTEMPTS
        reason = f"{type(error).__name__}: {error}"[:500]
        log.error("event_failed", event_id=due.id, type=due.type, attempts=due.attempts, dead=dead, reason=reason)
        async with self._database.connection() as connection:
            await inbox.fail(connection, due, reason, pause_after(due.attempts), dead=dead)


def pause_after(attempts: int) -> timedelta:
    """How long a failed event rests: exponential, with jitter so that a burst of failures does not come back as one."""
    longest = min(FIRST_PAUSE_S * 3 ** (attempts - 1), LONGEST_PAUSE_S)
    return timedelta(seconds=longest * random.uniform(0.5, 1))  # noqa: S311 -- no secret hangs on it


def _subjects(tasks: Iterable[Task]) -> set[Subject]:
    return {subject for task in tasks if (subject := task.incoming.subject)}


def _outcome(task: Task) -> str:
    """An event that turned out to be about nothing of ours is ignored."""
    return "ignored" if task.incoming.nothing_of_ours else "processed"
