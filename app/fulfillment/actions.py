"""Performs fulfillment actions: mails to customers and calls of hooks.

The facts are read when an action runs and are not stored with it. fulfillment/performer.py claims actions and records
their outcomes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from app.db import documents
from app.db.engine import Connection, Database
from app.db.resources import FULFILLMENT, FULFILLMENT_ACTION, INVOICE, PAYMENT_PAGE, Resource
from app.db.rows import load
from app.db.schema import fulfillments
from app.domain.actions import RETRIED, Moment, NotNow, Permanent, Skipped, require_due
from app.domain.errors import InvalidState
from app.domain.fulfillment import under_way
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.mailbox import Mailbox
from app.domain.payment_link import HOSTED_PAGES
from app.domain.reminders import METADATA, ReminderChannel
from app.fulfillment import action_statements
from app.fulfillment.action_statements import DueAction
from app.hooks import FulfillmentAction
from app.hooks.loading import Function
from app.idempotency.operations import Answer, Operation
from app.jobs.loop import heard

if TYPE_CHECKING:
    from app.fulfillment.mail.delivery import Mailer
    from app.fulfillment.mail.letters import MailWriter

BACK = frozenset({Moment.DISPUTED, Moment.PARTLY_REVERSED})
"""Moments that may pass although the fulfillment's status stays."""


PageOf = Callable[[Connection, str, str], Awaitable[str]]
"""Makes the address of the payment page for the mail of an action: its id, and its invoice's."""


class ActionLease(Protocol):
    """One try of an action, as the action sees it."""

    due: DueAction

    async def hold(self, seconds: float) -> None:
        """Make sure that the claim holds and the action is due, for `seconds` more. Raises otherwise."""

    async def done(self) -> None:
        """Record that it is done. Called as soon as it is."""


class Action(Protocol):
    """An action at a moment of a fulfillment. Raises Skipped, Permanent, or anything else for another try."""

    async def perform(self, turn: ActionLease) -> None:
        """Perform it once."""

    @property
    def most_s(self) -> float:
        """The seconds it may take in all, or until it calls `hold`."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Mails a confirmation to the customer at those of the `moments` that are configured."""

    database: Database
    mailer: "Mailer"
    letters: "MailWriter"
    page_of: PageOf
    most_s: float
    moments: frozenset[Moment]

    async def perform(self, turn: ActionLease) -> None:
        """Write the mail of the moment and hand it over. The mark follows the server's acceptance directly."""
        due = turn.due
        if due.moment not in self.moments:
            raise Skipped(f"MAIL_MOMENTS does not list {due.moment}.")
        async with self.database.connection() as connection:
            fulfillment, invoice = await _facts(connection, due, PAYMENT_PAGE)
            recipient = await _recipient(connection, due)
            page = await self.page_of(connection, due.id, due.invoice)
        for ours, name in HOSTED_PAGES.items():
            invoice[name] = invoice[name] and f"{page}/{ours}"
        message = self.letters.write(due.moment, recipient, due.id, fulfillment, invoice, overdue=due.number > 0)
        async with self.mailer.session(recipient) as deliver:
            await turn.hold(self.mailer.acceptance_s)
            if due.moment is Moment.REMINDER:
                async with self.database.connection() as connection:
                    await _facts(connection, due, PAYMENT_PAGE)
            await deliver(message)
            await turn.done()


@dataclass(frozen=True, slots=True)
class Hook:
    """Calls a function of the team."""

    database: Database
    function: Function
    most_s: float

    async def perform(self, turn: ActionLease) -> None:
        """Call it and wait for at most `most_s`, even if it ignores its cancellation."""
        due = turn.due
        async with self.database.connection() as connection:
            fulfillment, invoice = await _facts(connection, due, INVOICE)
            before = await action_statements.earlier(connection, due)
        call = FulfillmentAction(due.id, due.moment, due.attempts, fulfillment, invoice, before)
        called = asyncio.create_task(self._call(call))
        called.add_done_callback(heard)
        try:
            await asyncio.wait({called}, timeout=self.most_s)
        finally:
            ended = called.done() or not called.cancel()
        if not ended:
            raise TimeoutError(f"it took longer than {self.most_s:g} s")
        if called.cancelled():
            raise RuntimeError("it was cancelled, and not by the service")
        called.result()

    async def _call(self, call: FulfillmentAction) -> None:
        try:
            await self.function(call)
        except SystemExit as error:  # which the event loop would let end the process
            raise RuntimeError(f"it wanted to end the process: {error}") from error


@dataclass(frozen=True, slots=True)
class Actions:
    database: Database

    async def retry_fulfillment_action(self, operation: Operation, _params: JsonView) -> Answer:
        """Retry an action that failed, was skipped or is dead. Raises NotFound, and InvalidState for a done one."""
        action_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            retried = await action_statements.retry(connection, action_id, RETRIED)
            document = await documents.require(connection, FULFILLMENT_ACTION, action_id)
            if not retried:
                status = msgspec.json.decode(document)["status"]
                raise InvalidState(f"The action is {status}: there is nothing to try again.")
            return await operation.finish(connection, 202, document)


async def _facts(connection: Connection, due: DueAction, shown: Resource) -> tuple[JsonObject, JsonObject]:
    """The fulfillment and the invoice as they are now. Raises Overtaken if the moment has passed."""
    fulfillment = await documents.read(connection, FULFILLMENT, due.fulfillment)
    invoice = await documents.read(connection, shown, due.invoice)
    if fulfillment is None or invoice is None:
        raise Skipped("Its invoice is gone.")
    decoded: JsonObject = msgspec.json.decode(fulfillment)
    require_due(due.moment, decoded["status"])
    if due.moment in BACK and decoded["amount_kept"] >= decoded["amount_paid"]:
        raise Skipped("What had come back did not after all.")
    owed: JsonObject = msgspec.json.decode(invoice)
    if due.moment is Moment.REMINDER:
        known = await load(connection, fulfillments, [due.invoice], by="invoice")
        _require_reminded(owed, known[due.invoice])
    return decoded, owed


def _require_reminded(invoice: JsonView, fulfillment: JsonView) -> None:
    """Raise Skipped for a reminder that must not be sent any more."""
    if invoice["status"] != InvoiceStatus.OPEN:
        raise Skipped(f"The invoice is {invoice['status']} by now.")
    if invoice["metadata"].get(METADATA) in {ReminderChannel.OFF, ReminderChannel.EVENT}:
        raise Skipped("The invoice's reminders are paused.")
    if under_way(fulfillment):
        raise Skipped("A payment of the invoice is under way.")
    if fulfillment["amount_disputed"]:
        raise Skipped("A payment of the invoice is disputed.")


async def _recipient(connection: Connection, due: DueAction) -> Mailbox:
    found = await action_statements.recipient(connection, due.fulfillment)
    if found.erased:
        raise Skipped("The customer is erased.")
    if not found.known:
        raise NotNow("The customer is not known here yet.")
    if not found.email:
        raise Skipped("The customer has no email address.")
    try:
        return Mailbox.of(found.email)
    except ValueError:
        raise Permanent("The customer's email address is none that mail can be sent to.") from None
