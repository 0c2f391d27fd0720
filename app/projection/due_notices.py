"""What a unit of work tells of due dates: each once, with the actions that mail it."""

from collections.abc import Callable, Mapping

from app.db.engine import Connection
from app.domain.actions import Moment, Occasion
from app.domain.changes import Change
from app.domain.events import INVOICE
from app.domain.json import JsonObject
from app.domain.reminders import Reminder, ReminderChannel
from app.fulfillment import action_statements
from app.fulfillment.fulfillments import fulfillment_id
from app.projection import mirrored_rows, reminder_statements


async def record(
    connection: Connection, reminders: Mapping[Reminder, str | None], invoice_row: Callable[[str], JsonObject]
) -> list[Change]:
    """Record those of `reminders` that are new, make the actions that mail them, and return what the feed tells of them.

    `reminders` maps each to its cause. The fulfillments of their invoices are stored already. `invoice_row` finds an
    invoice's row by its id.
    """
    new = await reminder_statements.add(connection, reminders)
    mailed = [it for it in new if it.channel == ReminderChannel.MAIL]
    reached = [(fulfillment_id(it.invoice), it.invoice, Occasion(Moment.REMINDER, it.day)) for it in mailed]
    await action_statements.enqueue(connection, reached)
    return [_change(it, invoice_row(it.invoice), reminders[it]) for it in new]


def _change(reminder: Reminder, row: JsonObject, cause: str | None) -> Change:
    state, named = mirrored_rows.invoice_state(row), reminder.type.partition(".")[2]
    beside = {"reminder": {"day": reminder.day, "channel": reminder.channel}} if reminder.channel else {}
    return Change(INVOICE, state["status"], state, cause, named=named, beside=beside)
