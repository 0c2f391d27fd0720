"""Two releases side by side that do not know each other's operations and events: nothing is done twice, nothing is lost."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from app.container import Container
from app.domain.actions import Moment
from app.fulfillment import action_statements
from app.inbox import handlers
from tests.fixtures.feed import settled
from tests.fixtures.stage import Stage

LEASE = timedelta(seconds=30)
NEWER = "invoice.paid"
"""The type that only the newer release handles."""


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """`older(True)`: from now on this process is the release that does not know the type; `older(False)`: the newer one."""
    handler = handlers.HANDLERS[NEWER]

    def become(it: bool) -> None:  # noqa: FBT001
        if it:
            monkeypatch.delitem(handlers.HANDLERS, NEWER)
        else:
            monkeypatch.setitem(handlers.HANDLERS, NEWER, handler)

    return become


async def paid(stage: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """An invoice that a customer paid, and the one event that says so."""
    invoice = await stage.invoice()
    before = await stage.events()
    await stage.tell(*before)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    return invoice, await stage.event(NEWER)


async def fulfillment(stage: Stage, invoice: dict[str, Any]) -> Any:
    (row,) = await stage.rows("SELECT status FROM fulfillments WHERE invoice = $1", invoice["id"])
    return row["status"]


Scene = Callable[[Stage, dict[str, Any], Callable[[bool], None]], Awaitable[None]]


async def older_api(stage: Stage, event: dict[str, Any], older: Callable[[bool], None]) -> None:
    older(True)
    await stage.deliver(event)
    older(False)
    await stage.work()


async def older_worker(stage: Stage, event: dict[str, Any], older: Callable[[bool], None]) -> None:
    await stage.deliver(event)
    older(True)
    await stage.work()
    older(False)


@pytest.mark.parametrize("scene", [older_api, older_worker])
async def test_an_event_the_older_release_ignored_is_found_again(
    stage: Stage, older: Callable[[bool], None], scene: Scene
) -> None:
    with time_machine.travel(timedelta(hours=3), tick=True):  # on a machine whose clock is wrong
        assert await stage.container.queue_ignored() == 0
    invoice, event = await paid(stage)
    await scene(stage, event, older)
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    assert row["status"] == "ignored"
    assert await fulfillment(stage, invoice) == "awaiting_payment"
    container: Container = stage.container
    assert await container.queue_ignored() == 1
    await stage.work()
    assert await fulfillment(stage, invoice) == "fulfilled"
    assert await container.queue_ignored() == 0  # within the overlap, and processed


async def test_what_is_about_nothing_of_ours_stays_ignored(stage: Stage) -> None:
    intent = await stage.dashboard("payment_intents", amount=100, currency="usd")
    event = await stage.event("payment_intent.created")
    failed = event | {"id": "evt_failed", "type": "payment_intent.payment_failed"}
    await stage.tell(event, failed)
    assert intent["id"]
    assert await stage.container.queue_ignored() == 0


async def test_a_release_that_handles_more_types_begins_at_the_first_event(
    stage: Stage, older: Callable[[bool], None]
) -> None:
    _, event = await paid(stage)
    older(True)
    await stage.tell(event)
    await stage.rows("UPDATE webhook_events SET received_at = now() - interval '40 days'")
    assert await stage.container.queue_ignored() == 0
    older(False)
    assert await stage.container.queue_ignored() == 1


OLDER_CLAIM = """
UPDATE fulfillment_actions SET status = 'running', attempts = attempts + 1, lease = lease + 1 WHERE status = 'pending'
RETURNING split_part(moment, ':', 1) AS moment
"""
"""How the release before claims actions, whatever their moment."""


async def test_the_release_before_leaves_actions_of_moments_that_it_does_not_know(stage: Stage) -> None:
    await stage.rows("INSERT INTO configured_actions (action) VALUES ('ship')")
    invoice, event = await paid(stage)
    await stage.tell(event)
    await stage.rows(
        "INSERT INTO fulfillment_actions (id, fulfillment, invoice, action, moment) "
        "SELECT 'act_back', id, invoice, 'ship', 'reversed:2' FROM fulfillments WHERE invoice = $1",
        invoice["id"],
    )
    assert [row["moment"] for row in await stage.rows(OLDER_CLAIM)] == ["fulfilled"]
    async with stage.container.database.connection() as connection:
        await connection.execute("UPDATE fulfillment_actions SET status = 'pending', lease = 0")
        due = await action_statements.claim(connection, "ship", 5, LEASE)
        more = await action_statements.claim(connection, "ship", 5, LEASE)
    assert [one.moment for one in due] == [Moment.FULFILLED]
    assert more == []  # not beside another moment of the same fulfillment


async def test_what_only_a_newer_release_knows_is_left_to_it(stage: Stage) -> None:
    """An action's moment, the subject of an event, the code of a stored refusal."""
    await stage.rows("INSERT INTO configured_actions (action) VALUES ('ship')")
    invoice, event = await paid(stage)
    await stage.tell(event)
    for table, name in (("fulfillment_actions", "moment"), ("changes", "subject")):
        await stage.rows(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")
    await stage.rows(
        "INSERT INTO fulfillment_actions (id, fulfillment, invoice, action, moment, created_at, next_attempt_at) "
        "SELECT 'act_new', fulfillment, invoice, action, 'recalled:2', created_at - interval '1 h', now() - interval '1 h' "
        "FROM fulfillment_actions"
    )
    async with stage.container.database.connection() as connection:
        assert await action_statements.claim(connection, "ship", 5, LEASE) == []  # the older moment goes first
        await connection.execute("UPDATE fulfillment_actions SET status = 'running', next_attempt_at = now()")
        back = [(await action_statements.claim_back(connection, ["ship"], LEASE, 5))[0] for _ in range(2)]
        assert [due and due.moment for due in back] == [Moment.FULFILLED, None]
        assert not await action_statements.any_came_back(connection, ["ship"])
        await connection.execute("UPDATE changes SET type = 'pay_out.made', subject = 'pay_out'")
        newest = (await settled(connection)).events[-1]
    assert b'/PayOutEventData"' in stage.container.live.told(newest).document

    path, key = f"/v1/invoices/{invoice['id']}/void", {"Idempotency-Key": "k"}
    assert (await stage.client.post(path, headers=key)).json()["code"] == "invalid_state"
    await stage.rows("UPDATE operations SET answer_body = replace(answer_body, 'invalid_state', 'frozen')")
    asked_again = await stage.client.post(path, headers=key)
    assert (asked_again.status_code, asked_again.json()["code"]) == (409, "idempotency_in_progress")
