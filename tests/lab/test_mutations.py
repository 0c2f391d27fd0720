"""The lab sees what it is for: break one thing that convergence rests on, and what must hold does not hold any more.

The switches exist here only: nothing in the service can be told to be wrong.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from app.db import rows
from app.db.engine import Connection, Database
from app.domain import fulfillment, returns
from app.domain.errors import DatabaseUnavailable
from app.domain.fulfillment import AttemptReport, FulfillmentStatus
from app.domain.json import JsonView
from app.domain.outgoing import DisabledReason
from app.domain.snapshot import Verdict
from app.events import feed_statements
from app.fulfillment.fulfillments import Fulfillments
from app.idempotency import statements as idempotency_rows
from app.inbox import processor, store
from app.inbox import statements as inbox_rows
from app.inbox.statements import NewEvent
from app.outgoing import delivery_statements, endpoint_statements
from app.payments import lookup
from app.payments import statements as payment_statements
from app.payments.attempts import failure_of, last_attempt
from app.projection import unit_of_work
from app.projection.unit_of_work import Subject, UnitOfWork
from app.refunds import service as refunds
from app.stripe.client import Answer
from tests.fixtures.consumer import Consumer
from tests.fixtures.postgres import Database as Databases
from tests.fixtures.stage import Stage
from tests.integration.test_late_answers import Eventually, a_late_lookup_does_not_overwrite_a_newer_word
from tests.integration.test_operation_leases import a_late_release_keeps_the_successors_reference
from tests.lab import deliveries, refunding
from tests.lab.schedules import Schedule, diverges

HARD = Schedule(
    ("declined, then paid", "declined twice", "void", "debit failed, then paid", "declined, void"),
    burst=0.3, talk=0.3, drop=0.0, copies=3,
)  # fmt: skip
MONEY = Schedule(
    ("debit refunded", "refund failed", "refund pending, then failed", "credited by a refund", "dispute won"),
    burst=0.3, talk=0.3, drop=0.0, copies=3,
)  # fmt: skip
SEEDS = range(1, 7)

Break = Callable[[pytest.MonkeyPatch], None]


def no_dedupe(patch: pytest.MonkeyPatch) -> None:
    """Every delivery is an event of its own."""
    record = inbox_rows.record

    async def record_each(connection: Connection, events: Sequence[NewEvent]) -> set[str]:
        renamed = [replace(event, id=f"{event.id}_{uuid.uuid4().hex}") for event in events]
        return await record(connection, renamed)

    patch.setattr(store, "record", record_each)


def no_lattice(patch: pytest.MonkeyPatch) -> None:
    """Whatever comes last is taken for the newest."""
    patch.setattr(unit_of_work, "judge", lambda _known, _incoming: Verdict.APPLY)
    patch.setattr(unit_of_work, "advance", lambda _current, to: to)


def no_row_lock(patch: pytest.MonkeyPatch) -> None:
    """Two workers may hold the same invoice at once; both look before either writes."""
    load = rows.load

    async def unlocked(_connection: Connection, _subjects: object) -> None:
        """Lock nothing."""

    async def slow(*arguments: Any, **more: Any) -> Any:
        rows = await load(*arguments, **more)
        await asyncio.sleep(0.01)  # the window that the lock closes
        return rows

    patch.setattr(unit_of_work, "lock", unlocked)
    patch.setattr(unit_of_work, "load", slow)


def crashes(patch: pytest.MonkeyPatch) -> None:
    """Cut the database off between an event's effects and its mark, now and then."""
    finish, count = inbox_rows.finish, 0

    async def cut(connection: Connection, outcomes: Sequence[tuple[inbox_rows.DueEvent, str]]) -> None:
        nonlocal count
        count += 1
        if count % 3 == 1:
            raise DatabaseUnavailable("cut")
        await finish(connection, outcomes)

    take = processor.Processor.process

    async def survive(self: processor.Processor, batch: Any) -> None:
        try:
            await take(self, batch)
        except DatabaseUnavailable:
            async with self._database.connection() as connection:  # its lease is over
                ids = [event.id for event in batch]
                await connection.execute(
                    "UPDATE webhook_events SET next_attempt_at = now() WHERE id = ANY($1) AND status = 'processing'",
                    ids,
                )

    patch.setattr(inbox_rows, "finish", cut)
    patch.setattr(processor.Processor, "process", survive)


def no_single_transaction(patch: pytest.MonkeyPatch) -> None:
    """Each statement commits by itself, and the database is cut off between effects and mark."""

    @asynccontextmanager
    async def each_by_itself(self: Database) -> AsyncIterator[Connection]:
        async with self.connection() as connection:
            yield connection

    patch.setattr(Database, "unit_of_work", each_by_itself)
    crashes(patch)


@pytest.mark.parametrize("broken", [no_dedupe, no_lattice, no_row_lock, no_single_transaction])
async def test_the_lab_sees_it_broken(stage: Stage, monkeypatch: pytest.MonkeyPatch, broken: Break) -> None:
    broken(monkeypatch)
    assert await diverges(stage, SEEDS, HARD)


def no_fence_around_releases(patch: pytest.MonkeyPatch) -> None:
    """Whoever ends without having done anything frees what its operation claimed, also where it lost its lease."""
    forget = idempotency_rows.forget

    async def always(connection: Connection, operation: uuid.UUID, runner: int) -> bool:
        await forget(connection, operation, runner)
        return True

    patch.setattr(idempotency_rows, "forget", always)


def look_ups_dated_by_arrival(patch: pytest.MonkeyPatch) -> None:
    """What the payment page was told counts as new as its arrival, and no record of the debit makes up for it."""

    def follow(unit: UnitOfWork, subject: Subject, intent: Answer, _known: tuple[object, ...]) -> None:
        attempt, invoice = last_attempt(intent.data), unit.row(subject)
        if attempt and invoice:
            unit.fulfillments.follow_attempt(invoice, AttemptReport(attempt, intent.until), failure_of(intent.data))

    patch.setattr(lookup, "_follow_attempt", follow)
    patch.setattr(fulfillment, "settling", lambda _: False)


async def test_an_unfenced_release_is_seen(stage: Stage, database: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    no_fence_around_releases(monkeypatch)
    with pytest.raises(pytest.fail.Exception):
        await a_late_release_keeps_the_successors_reference(stage, database)


@pytest.mark.parametrize("told", [True, False], ids=["the webhook first", "the answer first"])
async def test_a_look_up_dated_by_its_arrival_is_seen(
    stage: Stage, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    look_ups_dated_by_arrival(monkeypatch)
    with pytest.raises(AssertionError):
        await a_late_lookup_does_not_overwrite_a_newer_word(stage, eventually, told=told)


@pytest.mark.parametrize("sound", [lambda _: None, crashes], ids=["nothing broken", "crashes alone"])
async def test_the_same_schedules_converge_unbroken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, sound: Break
) -> None:
    sound(monkeypatch)
    assert await diverges(stage, SEEDS[:2], HARD) is None


# Money that comes back


def no_memory_of_a_reversal(patch: pytest.MonkeyPatch) -> None:
    """Each report on what came back is taken for the first: what was reversed reverses again."""
    follow_returns = Fulfillments.follow_returns

    def forgetful(self: Fulfillments, invoice: JsonView, found: returns.Returned) -> bool:
        known = self._rows.get(invoice["id"])
        if known and known["status"] == FulfillmentStatus.REVERSED:
            self._rows[invoice["id"]] = known | {"status": FulfillmentStatus.FULFILLED}
        return follow_returns(self, invoice, found)

    patch.setattr(Fulfillments, "follow_returns", forgetful)


def no_reinstatement(patch: pytest.MonkeyPatch) -> None:
    """A refund that failed counts as one that was paid out."""
    patch.setattr(returns, "NEVER_HAPPENED", frozenset())


def credit_notes_beside_their_refunds(patch: pytest.MonkeyPatch) -> None:
    """A refund counts as refunded also where a credit note made it: its cents count twice."""
    read = returns.CreditNote

    def without_refunds(amount: int, status: str, _refunds: object) -> returns.CreditNote:
        return read(amount, status)

    patch.setattr(returns, "CreditNote", without_refunds)


@pytest.mark.parametrize(
    "broken",
    [no_memory_of_a_reversal, no_reinstatement, credit_notes_beside_their_refunds],
)
async def test_the_lab_sees_money_miscounted(stage: Stage, monkeypatch: pytest.MonkeyPatch, broken: Break) -> None:
    broken(monkeypatch)
    assert await diverges(stage, SEEDS, MONEY)


async def test_the_same_money_is_counted_right_unbroken(stage: Stage) -> None:
    assert await diverges(stage, SEEDS[:2], MONEY) is None


def no_lock_of_what_is_refunded(patch: pytest.MonkeyPatch) -> None:
    """Requests look at what is left at the same moment, before either reserves."""
    paid = payment_statements.paid

    async def unlocked(_connection: Connection, _subjects: object) -> None:
        """Lock nothing."""

    async def slow(*arguments: Any) -> Any:
        found = await paid(*arguments)
        await asyncio.sleep(0.02)  # the window that the lock closes
        return found

    patch.setattr(refunds, "lock", unlocked)
    patch.setattr(payment_statements, "paid", slow)


async def test_the_lab_sees_more_refunded_than_was_paid(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    no_lock_of_what_is_refunded(monkeypatch)
    assert [said for seed in SEEDS[:3] for said in await refunding.broken(stage, Random(seed))]  # noqa: S311


async def test_never_more_is_refunded_than_was_paid_unbroken(stage: Stage) -> None:
    assert await refunding.broken(stage, Random(1)) == []  # noqa: S311 -- reproducible dice


# Deliveries to others


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def no_order_of_locks(patch: pytest.MonkeyPatch) -> None:
    """Deliveries are locked before their endpoint, and a moment passes in between."""
    unlocked = replaced(delivery_statements._FINISH, "FOR NO KEY UPDATE", "")
    slow = replaced(unlocked, "HAVING", "HAVING pg_sleep(0.1 * count(*)) IS NOT NULL AND")
    patch.setattr(delivery_statements, "_FINISH", slow)


def no_fence_by_what_was_sent_with(patch: pytest.MonkeyPatch) -> None:
    """What an endpoint answered counts whatever became of it meanwhile."""
    disable = endpoint_statements.disable

    async def unfenced(connection: Connection, endpoint_id: str, reason: DisabledReason, *_: object) -> bool:
        return await disable(connection, endpoint_id, reason)

    patch.setattr(endpoint_statements, "disable", unfenced)


def no_lock_of_the_feed(patch: pytest.MonkeyPatch) -> None:
    """Enabling an endpoint and deleting from the feed do not wait for each other."""
    patch.setattr(feed_statements, "hold_gone", feed_statements.gone)


@pytest.mark.parametrize("mutation", [no_order_of_locks, no_fence_by_what_was_sent_with, no_lock_of_the_feed])
async def test_the_lab_sees_deliveries_broken(
    stage: Stage, database: Databases, consumer: Consumer, monkeypatch: pytest.MonkeyPatch, mutation: Break
) -> None:
    mutation(monkeypatch)
    assert len(await deliveries.broken(stage, database, consumer)) >= 1


async def test_deliveries_hold_their_promises_unbroken(stage: Stage, database: Databases, consumer: Consumer) -> None:
    assert await deliveries.broken(stage, database, consumer) == []
