"""The rebuild: replays all received events into an empty projection and compares it with the live one.

It shows that the events alone lead to the stored state. It only reads the live tables, unless it is asked to repair.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from app.db.engine import Connection, Database
from app.db.mirrored_documents import TABLES
from app.db.rows import load, lock, store
from app.db.schema import Table, fulfillments, invoice_items, tax_ids, tax_rates
from app.domain.errors import InvoicingError
from app.domain.json import JsonObject
from app.domain.sources import Passing
from app.fulfillment import action_statements
from app.fulfillment.history import repaired
from app.inbox.envelope import read_event
from app.inbox.handlers import handle
from app.inbox.incoming import Incoming
from app.inbox.questions import MOST_QUESTIONS, QUESTIONS, Question, answer
from app.projection import mirrored_rows
from app.projection.mirrored_rows import documented
from app.projection.unit_of_work import UnitOfWork
from app.rebuild import rebuild_statements
from app.stripe.client import StripeGateway
from app.stripe.mapping import FIELDS

log = structlog.get_logger(__name__)

KINDS = {table: kind for kind, table in TABLES.items()}

ASKED_FOR = (tax_rates, tax_ids)
"""Tables of what Stripe may have told only when it was asked: rates that it made itself, tax ids of the account."""
CAUSE = "rebuild"
"""The cause that a repaired fulfillment's history names."""
FROM_CALLS = frozenset({"payment_intent"})
"""Fields that answers to our own calls may set before any event does, so the rebuild may lack them."""


UNTOLD = frozenset({"attempted", "attempt_count"})
"""Fields of an invoice that change when a debit is begun: Stripe sends no event for it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that differs from what the events lead to.

    `fields` maps names to (live, rebuilt); empty if one side has no row.
    """

    table: Table
    key: str
    live: bool
    rebuilt: bool
    fields: dict[str, tuple[object, object]]

    def still_shows(self, live: JsonObject | None) -> bool:
        """Whether the live row is as it was compared, where it differs."""
        if live is None or not self.live:
            return (live is not None) == self.live
        return all(live[name] == seen for name, (seen, _) in self.fields.items())

    def __str__(self) -> str:
        name = f"{self.table.name} {self.key}"
        if not self.rebuilt:
            return f"{name}: no event tells of it"
        if not self.live:
            return f"{name}: missing"
        told = ", ".join(f"{field} is {live!r}, events say {told!r}" for field, (live, told) in self.fields.items())
        return f"{name}: {told}"


@dataclass(slots=True)
class Rebuilt:
    events: int = 0
    asked: int = 0
    failed: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    repaired: int = 0


class Rebuilder:
    """Rebuilds the projection beside the live one."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def rebuild(self, *, repair: bool = False, progress: Callable[[int], None] = lambda _: None) -> Rebuilt:
        """Replay all applied events and compare. With `repair`, update the live rows to the rebuilt ones."""
        done = Rebuilt()
        started = datetime.now(UTC)
        async with self._database.session() as connection:
            await rebuild_statements.open_projection(connection)
            async for batch in rebuild_statements.events(connection):
                for event_type, payload in batch:
                    await self._replay(connection, done, event_type, payload)
                progress(done.events)
            done.differences = await _compare(connection, started)
            if repair:
                for difference in done.differences:
                    done.repaired += await self._repair(connection, difference, started)
        return done

    async def _replay(self, connection: Connection, done: Rebuilt, event_type: str, payload: str) -> None:
        incoming = Incoming(read_event(payload))
        done.events += 1
        try:
            question = await self._apply(connection, event_type, incoming)
            for _ in range(MOST_QUESTIONS):
                if question is None:
                    return
                done.asked += 1
                await answer(self._gateway, incoming, question)
                question = await self._apply(connection, event_type, incoming)
        except (InvoicingError, KeyError, TypeError, ValueError) as error:
            done.failed.append(f"{incoming.event.id}: {type(error).__name__}: {error}")

    async def _apply(self, connection: Connection, event_type: str, incoming: Incoming) -> Question | None:
        """Apply one event to the projection of `connection`. Returns the question it raises, if any."""
        if incoming.unlinked:
            incoming.invoice = await rebuild_statements.invoice_of(connection, incoming.unlinked)
        async with connection.transaction():
            unit = await UnitOfWork.of(connection, incoming.subjects)
            try:
                with unit.all_or_nothing():
                    handle(event_type, unit, incoming)
            except QUESTIONS as question:
                return question
            await unit.flush()
        return None

    async def _repair(self, connection: Connection, difference: Difference, started: datetime) -> bool:
        """Replace a live row by the rebuilt one, unless it changed meanwhile. Fields that only calls set are kept."""
        table = difference.table
        rebuilt = (await _load(connection, table, difference.key)).get(difference.key)
        if rebuilt is None:
            return False
        async with self._database.unit_of_work() as live:
            await lock(live, [rebuilt.get("invoice") or rebuilt["id"]])
            known = (await _load(live, table, difference.key)).get(difference.key)
            if table is invoice_items:  # which do not say when they changed
                changed = not difference.still_shows(known)
            else:
                changed = known is not None and datetime.fromisoformat(known["updated_at"]) >= started
            if changed:
                return False
            kept = {name: known[name] for name in FROM_CALLS if known and known.get(name) and not rebuilt.get(name)}
            row = rebuilt | kept
            if table is fulfillments:
                row, reached = repaired(known, row, datetime.now(UTC).isoformat(), CAUSE)
                await action_statements.enqueue(live, [(row["id"], row["invoice"], occasion) for occasion in reached])
            await store(live, table, [documented(KINDS[table], row) if table in KINDS else row])
        return True


async def _load(connection: Connection, table: Table, key: str) -> dict[str, JsonObject]:
    if table in KINDS:
        return await mirrored_rows.read(connection, KINDS[table], [key])
    (column,) = table.primary_key
    return await load(connection, table, [key], by=column.name)


async def _compare(connection: Connection, started: datetime) -> list[Difference]:
    found = []
    for table in rebuild_statements.COMPARED:
        for row_key, live, rebuilt in await rebuild_statements.differences(connection, table, started):
            fields = _fields(table, live, rebuilt) if live and rebuilt else {}
            asked_for = table in ASKED_FOR and not rebuilt
            if (fields or not (live and rebuilt)) and not asked_for:
                found.append(Difference(table, row_key, live is not None, rebuilt is not None, fields))
    return found


def _fields(table: Table, live: JsonObject, rebuilt: JsonObject) -> dict[str, tuple[object, object]]:
    passing = {*FIELDS[KINDS[table]].marked(Passing), *UNTOLD} if table in KINDS else UNTOLD
    return {
        name: (live[name], rebuilt[name])
        for name in live
        if _content(live[name], passing) != _content(rebuilt[name], passing)
        and not (name in FROM_CALLS and rebuilt[name] is None)
    }


def _content(value: object, passing: Collection[str]) -> object:
    """A column's value; a document without the fields of which Stripe tells by no event."""
    return {name: it for name, it in value.items() if name not in passing} if isinstance(value, dict) else value
