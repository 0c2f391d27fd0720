"""The example of a hook that gives access to what was paid, takes it back, and restores it."""

import importlib.util
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.fulfillment.actions import Hook
from app.fulfillment.performer import Performer
from app.hooks import FulfillmentAction, Moment
from tests.fixtures.sandbox import PROJECT
from tests.fixtures.stage import Json, Stage

Function = Callable[[FulfillmentAction], Awaitable[None]]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ACCESS_DB", str(tmp_path / "access.db"))
    found = importlib.util.spec_from_file_location("access_example", PROJECT / "examples" / "access" / "access.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def given(tmp_path: Path) -> list[tuple[bool, str]]:
    with sqlite3.connect(tmp_path / "access.db") as connection:
        return [(bool(row[0]), row[1]) for row in connection.execute("SELECT given, because FROM access")]


async def performing(stage: Stage, hook: Function) -> Performer:
    performer = Performer(stage.container.database, {"access": Hook(stage.container.database, hook, 5.0)}, poll_s=1)
    await performer.announce()
    return performer


async def detach(stage: Stage, invoice: Json) -> None:
    """Detach the payment in the Dashboard, and tell the service as Stripe does, a minute later."""
    [payment] = (await stage.sandbox.dashboard.get("/v1/invoice_payments", params={"invoice": invoice["id"]})).json()[
        "data"
    ]
    intent = payment["payment"]["payment_intent"]
    await stage.dashboard(f"invoices/{invoice['id']}/detach_payment", payment_intent=intent)
    updated = await stage.event("invoice.updated")
    assert updated["data"]["object"]["status"] == "open"
    await stage.tell(updated | {"created": updated["created"] + 60})


async def test_access_is_given_taken_back_and_restored_however_often_the_hook_is_tried(
    stage: Stage, example: Any, tmp_path: Path
) -> None:
    called: list[tuple[Moment, list[tuple[Moment, str]]]] = []

    async def breaks_first(action: FulfillmentAction) -> None:
        called.append((action.moment, [(it.moment, it.status) for it in action.before]))
        await example.access(action)
        if action.attempt == 1:
            raise RuntimeError("it had its effect, and nobody knows")

    performer = await performing(stage, breaks_first)

    async def done() -> None:
        await stage.work()
        await performer.drain()
        await stage.rows("UPDATE fulfillment_actions SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")
        await performer.drain()

    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    await done()
    assert given(tmp_path) == [(True, "fulfilled")]
    await detach(stage, invoice)
    await done()
    assert given(tmp_path) == [(False, "reversed")]
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    paid = await stage.event("invoice.paid")
    await stage.tell(paid | {"created": paid["created"] + 120})
    await done()
    assert given(tmp_path) == [(True, "reinstated")]
    fulfilled, reversed_ = (Moment.FULFILLED, "done"), (Moment.REVERSED, "done")
    assert called == [
        (Moment.FULFILLED, []),
        (Moment.FULFILLED, []),
        (Moment.REVERSED, [fulfilled]),
        (Moment.REVERSED, [fulfilled]),
        (Moment.REINSTATED, [fulfilled, reversed_]),
        (Moment.REINSTATED, [fulfilled, reversed_]),
    ]


async def test_what_was_never_given_is_not_taken_back(stage: Stage, example: Any, tmp_path: Path) -> None:
    performer = await performing(stage, example.access)
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    await detach(stage, invoice)
    await performer.drain()
    states = await stage.rows("SELECT split_part(moment, ':', 1) AS moment, status FROM fulfillment_actions ORDER BY 1")
    assert [(it["moment"], it["status"]) for it in states] == [("fulfilled", "skipped"), ("reversed", "done")]
    assert not (tmp_path / "access.db").exists()
