"""What the database itself refuses, whoever asks."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.postgres import Database

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def connection(live: Caller, database: Database) -> AsyncIterator[Connection]:
    """On a database that holds one paid invoice with an item, its fulfillment and its events."""
    raw = await database.connect()
    await raw.execute("INSERT INTO configured_actions (action) VALUES ('email')")
    await live.paid()
    await live.settled()
    yield raw
    await raw.close()


CHECKS = {
    "UPDATE invoices SET status = 'late'": "ck_invoices_status",
    "UPDATE invoices SET amount_due = -1": "ck_invoices_amounts_not_negative",
    "UPDATE invoices SET amount_paid = -1": "ck_invoices_amounts_not_negative",
    "UPDATE invoices SET amount_remaining = -1": "ck_invoices_amounts_not_negative",
    "UPDATE invoices SET currency = 'USD'": "ck_invoices_currency",
    "UPDATE invoices SET custom_fields = '[1,2,3,4,5]'": "ck_invoices_custom_fields_at_most_four",
    "UPDATE invoice_items SET position = -1": "ck_invoice_items_position_not_negative",
    "UPDATE fulfillments SET status = 'done', fulfilled_at = NULL": "ck_fulfillments_status",
    "UPDATE fulfillments SET amount_paid = -1": "ck_fulfillments_amounts_not_negative",
    "UPDATE fulfillments SET attempts = -1": "ck_fulfillments_amounts_not_negative",
    "UPDATE fulfillments SET fulfilled_at = NULL": "ck_fulfillments_fulfilled_has_time",
    "UPDATE fulfillments SET status = 'canceled'": "ck_fulfillments_fulfilled_has_time",
    "UPDATE webhook_events SET status = 'lost'": "ck_webhook_events_status",
    "UPDATE webhook_events SET attempts = -1": "ck_webhook_events_attempts_not_negative",
    "UPDATE webhook_events SET status = 'received', next_attempt_at = NULL": "ck_webhook_events_due_has_time",
    "UPDATE fulfillment_actions SET moment = 'canceled'": "ck_fulfillment_actions_moment",
    "UPDATE fulfillment_actions SET status = 'sent', next_attempt_at = NULL": "ck_fulfillment_actions_status",
    "UPDATE fulfillment_actions SET lost = -1": "ck_fulfillment_actions_attempts_not_negative",
    "UPDATE fulfillment_actions SET next_attempt_at = NULL": "ck_fulfillment_actions_due_has_time",
    "UPDATE fulfillment_actions SET finished_at = now()": "ck_fulfillment_actions_ended_has_time",
    "UPDATE operations SET answer_status = NULL": "ck_operations_answered_has_status",
    "UPDATE operations SET idempotency_key = ''": "ck_operations_key_length",
}


async def test_a_value_that_makes_no_sense_is_refused_by_the_check_of_that_name(connection: Connection) -> None:
    refused_by = {}
    for statement in CHECKS:
        with pytest.raises(asyncpg.CheckViolationError) as refusal:
            await connection.execute(statement)
        refused_by[statement] = refusal.value.constraint_name
    assert refused_by == CHECKS


async def copied(connection: Connection, table: str, *, changed: str) -> None:
    """Insert the first row of `table` a second time, with one column changed."""
    await connection.execute(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('{changed}', 'another'))).* "  # noqa: S608
        f"FROM {table} t LIMIT 1"
    )


async def test_an_event_is_there_once(connection: Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await copied(connection, "webhook_events", changed="type")
    assert (refusal.value.constraint_name or "").endswith("_pkey")  # the partition's own name of it


async def test_an_invoice_is_fulfilled_once(connection: Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await copied(connection, "fulfillments", changed="id")
    assert refusal.value.constraint_name == "uq_fulfillments_invoice"


async def test_a_fulfillment_is_of_an_invoice_that_is_there(connection: Connection) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await connection.execute("UPDATE fulfillments SET invoice = 'in_unknown'")
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("DELETE FROM invoices")


async def test_a_key_is_used_once_by_each_caller(connection: Connection) -> None:
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await connection.execute("UPDATE operations SET idempotency_key = 'same'")
    assert refusal.value.constraint_name == "uq_operations_caller_key"
