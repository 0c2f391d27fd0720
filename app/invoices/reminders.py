"""Reminds payers: tells what is due of the reminders in the feed, each once, and makes the actions that mail them.

The row, the event and the actions of a reminder are written in one transaction, so a worker that dies leaves all of it
or nothing. A mail is an action like any other: it is sent at least once (see docs/fulfillment-actions.md).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from app.db import coverage
from app.db.engine import Connection, Database
from app.domain.errors import InvalidState, NotFound
from app.domain.fulfillment import under_way
from app.domain.json import JsonObject, JsonView
from app.domain.reminders import METADATA, REMINDED, Planned, Reminder, ReminderChannel, plan
from app.idempotency.operations import Answer, Operation
from app.observability import metrics
from app.projection import reminder_statements
from app.projection.unit_of_work import Subject, UnitOfWork
from app.stripe.mapping import Kind

CAUSE = "reminders"
"""The cause that the feed's events name."""
MOST = 1000
"""How much one look takes; the next one takes the rest."""
TOGETHER = 50
"""How many invoices share a transaction."""
NOBODY = (
    "Nobody can be reminded of it now. A payer can be reminded once a day of an open invoice that has a due date, unless "
    "its reminders are off, nothing is left to pay, or a payment is under way or disputed."
)


class Reminders:
    """Reminds the payers of open invoices on the configured `days` around their due date."""

    def __init__(self, database: Database, days: Sequence[int]) -> None:
        self._database = database
        self._days = days
        self._plan = plan(days)

    async def look(self) -> int:
        """Remind whoever is to be reminded by now. Returns how much was told."""
        async with self._database.connection() as connection:
            now = await coverage.now(connection)
        return await self.remind(now)

    async def remind(self, now: datetime) -> int:
        """The same as of `now`. Several workers may do this at once."""
        async with self._database.connection() as connection:
            due = await reminder_statements.due(connection, self._plan, now, MOST)
        ids = list(dict.fromkeys(reminder.invoice for reminder in due))
        told = [await self._tell(ids[start : start + TOGETHER], now) for start in range(0, len(ids), TOGETHER)]
        return sum(told)

    async def remind_invoice(self, operation: Operation, _params: JsonView) -> Answer:
        """Remind the payer of one invoice today, whatever the days are. Raises NotFound and InvalidState."""
        subject = Subject(Kind.INVOICE, str(operation.subject))
        async with self._database.unit_of_work() as connection:
            unit = await UnitOfWork.of(connection, [subject], cause=str(operation.id))
            row, now = unit.row(subject), datetime.now(UTC)
            if row is None or row["deleted_at"]:
                raise NotFound(f"There is no invoice {operation.subject!r}.")
            day = (now - datetime.fromisoformat(row["due_at"])).days if row["due_at"] else 0
            today = Planned(REMINDED, day, timedelta(days=day), timedelta(days=day + 1))
            due = await self._due(connection, unit, [today], now, [subject.id])
            if not due:
                raise InvalidState(NOBODY)
            unit.follow(subject)  # which makes its fulfillment, if it has none
            unit.reminders[due[0]] = unit.cause
            await unit.flush()
            body = {"invoice": subject.id, "day": day, "channel": due[0].channel}
            return await operation.finish(connection, 200, msgspec.json.encode(body).decode())

    async def _tell(self, ids: Sequence[str], now: datetime) -> int:
        """Tell what is still due of the invoices `ids`, now that nobody else changes them."""
        async with self._database.unit_of_work() as connection:
            unit = await UnitOfWork.of(connection, [Subject(Kind.INVOICE, one) for one in ids], cause=CAUSE)
            due = await self._due(connection, unit, self._plan, now, ids)
            for reminder in due:
                subject = Subject(Kind.INVOICE, reminder.invoice)
                unit.follow(subject)  # which makes its fulfillment, if it has none
                unit.reminders[reminder] = unit.cause
                if (row := unit.row(subject)) and (last := self._last(row)):
                    unit.put(subject, row | {"reminded_until": last.isoformat()})
            await unit.flush()
        for reminder in due:
            if reminder.channel:
                metrics.REMINDERS(reminder.channel).inc()
        return len(due)

    async def _due(
        self, connection: Connection, unit: UnitOfWork, planned: Sequence[Planned], now: datetime, ids: Sequence[str]
    ) -> list[Reminder]:
        """What is due of the invoices `ids`. A debit is under way even where another payment failed after it."""
        due = await reminder_statements.due(connection, planned, now, MOST, among=ids)
        return [it for it in due if not (it.channel and under_way(unit.fulfillments.of(it.invoice)))]

    def _last(self, invoice: JsonObject) -> datetime | None:
        """When the last reminder of the invoice is due; None where it is not reminded."""
        if not self._days or invoice["metadata"].get(METADATA) == ReminderChannel.OFF:
            return None
        return datetime.fromisoformat(invoice["due_at"]) + timedelta(days=max(self._days))
