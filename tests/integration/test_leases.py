"""A lease never repeats: whoever slept past his own has no say, also where tries were counted anew meanwhile."""

from datetime import timedelta
from typing import Any

import pytest

from app.container import Container
from app.domain.actions import RETRIED, ActionStatus
from app.domain.outgoing import Attempt, DeliveryStatus, Failure
from app.fulfillment import action_statements
from app.inbox import replay_statements
from app.inbox import statements as inbox_statements
from app.outgoing import delivery_statements
from app.outgoing.delivery_statements import Outcome
from tests.fixtures.consumer import endpoint, happens
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage

LEASE, OVER = timedelta(minutes=1), timedelta(0)
PAUSE = timedelta(seconds=5)


@pytest.fixture
async def connection(database: Database) -> Any:
    opened = await database.connect()
    yield opened
    await opened.close()


async def test_an_event_that_is_replayed_is_not_its_late_workers(stage: Stage, connection: Any) -> None:
    await stage.invoice(finalize=False)
    await stage.deliver(await stage.event("invoice.created"))
    (late,) = await inbox_statements.claim(connection, 10, OVER, 12)
    (next_,) = await inbox_statements.claim(connection, 10, LEASE, 12)
    await inbox_statements.fail(connection, next_, "failed", PAUSE, dead=True)
    await replay_statements.requeue(connection, [late.id], [late.type], livemode=False)
    (now,) = await inbox_statements.claim(connection, 10, LEASE, 12)
    assert now.attempts == late.attempts
    assert await inbox_statements.hold(connection, [late]) == {}
    await inbox_statements.fail(connection, late, "too late", PAUSE, dead=True)
    assert await inbox_statements.hold(connection, [now]) == {now.id: False}


async def test_an_action_that_is_tried_again_is_not_its_late_workers(stage: Stage, connection: Any) -> None:
    await action_statements.announce(connection, ["ship"])
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    (late,) = await action_statements.claim(connection, "ship", 10, OVER)
    next_, _ = await action_statements.claim_back(connection, ["ship"], LEASE, 5)
    assert next_ is not None
    await action_statements.fail(connection, next_, "failed", PAUSE)
    assert await action_statements.retry(connection, late.id, RETRIED)
    (now,) = await action_statements.claim(connection, "ship", 10, LEASE)
    assert now.attempts == late.attempts
    assert await action_statements.hold(connection, late, LEASE) is None
    await action_statements.end(connection, late, ActionStatus.DEAD, "too late")
    await action_statements.leave(connection, late, "too late")
    await action_statements.fail(connection, late, "too late", PAUSE)
    assert await action_statements.hold(connection, now, LEASE) == "fulfilled"


async def test_a_delivery_that_is_asked_for_again_is_not_its_late_workers(
    stage: Stage, database: Database, connection: Any
) -> None:
    container: Container = stage.container
    await endpoint(stage.client, "https://shop.example/hooks")
    await happens(database)
    await container.deliverer()._relay.run_once()

    async def claimed(lease: timedelta) -> delivery_statements.DueDelivery:
        (due,) = await delivery_statements.claim(connection, 10, each=8, busy={}, lease=lease)
        return due

    async def ends(due: delivery_statements.DueDelivery, status: DeliveryStatus) -> str:
        attempt = Attempt("2026-11-22T00:00:00.000Z", 1, 500, Failure.STATUS)
        await delivery_statements.finish(connection, [Outcome(due, attempt, status, PAUSE)], timedelta(days=5))
        return str(await connection.fetchval("SELECT status FROM deliveries"))

    late = await claimed(OVER)
    assert await ends(await claimed(LEASE), DeliveryStatus.DEAD) == "dead"
    assert await delivery_statements.deliver_again(connection, late.id)
    now = await claimed(LEASE)
    assert now.attempts == late.attempts
    assert await ends(late, DeliveryStatus.DEAD) == "delivering"
    assert await ends(now, DeliveryStatus.FAILED) == "failed"
