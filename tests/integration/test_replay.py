"""Replaying changes nothing that was applied, and everything that ever came rebuilds the same state."""

from typing import Any

import pytest

from app.inbox.replay_statements import Query
from app.rebuild import rebuild
from tests.fixtures.stage import Stage
from tests.integration.test_inbox import make_due


async def everything(stage: Stage) -> dict[str, list[dict[str, Any]]]:
    own = {"updated_at", "snapshot_since", "snapshot_until", "revision"}
    found = {}
    for table in ("products", "prices", "customers", "invoices", "invoice_items", "fulfillments", "changes"):
        rows = await stage.rows(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608 -- our own names
        found[table] = [{name: value for name, value in row.items() if name not in own} for row in rows]
    return found


async def lifecycles(stage: Stage) -> None:
    paid, voided, failed, deleted = [await stage.invoice(finalize=number < 3) for number in range(4)]
    await stage.dashboard(f"invoices/{paid['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    await stage.dashboard(f"invoices/{paid['id']}/pay", payment_method="pm_card_visa")
    await stage.dashboard(f"invoices/{voided['id']}/void")
    await stage.dashboard(f"invoices/{failed['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    await stage.sandbox.dashboard.delete(f"/v1/invoices/{deleted['id']}")
    await stage.tell(*await stage.events())


async def test_replaying_what_was_applied_changes_nothing(stage: Stage) -> None:
    await lifecycles(stage)
    before = await everything(stage)
    events = [row["id"] for row in await stage.rows("SELECT id FROM webhook_events WHERE status = 'processed'")]
    for event in events:
        answer = await stage.client.post(f"/v1/webhook-events/{event}/replay")
        assert answer.status_code == 202, answer.text
        assert answer.json()["status"] == "received"
    await stage.work()
    assert await everything(stage) == before
    left = await stage.rows("SELECT status FROM webhook_events WHERE id = ANY($1) AND status <> 'processed'", events)
    assert left == []


async def test_a_dead_event_is_replayed_after_its_cause_is_gone(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.sandbox.fault("GET", "/v1/invoices/*", status=400)
    event = await stage.event("invoice.finalized") | {"api_version": "2020-08-27"}
    await stage.tell(event)
    await stage.rows("UPDATE webhook_events SET attempts = 12")
    await make_due(stage)
    await stage.work()
    dead = (await stage.client.get(f"/v1/webhook-events/{event['id']}")).json()
    assert (dead["status"], dead["next_attempt_at"]) == ("dead", None)
    await stage.sandbox.clear_faults()
    await stage.client.post(f"/v1/webhook-events/{event['id']}/replay")
    await stage.work()
    assert await stage.row("invoices", invoice["id"]) is not None


async def test_an_event_that_nothing_handles_stays_ignored(stage: Stage) -> None:
    await stage.invoice()
    event = await stage.event("payment_intent.created")
    await stage.deliver(event)
    answer = await stage.client.post(f"/v1/webhook-events/{event['id']}/replay")
    assert (answer.status_code, answer.json()["status"]) == (202, "ignored")


async def test_an_event_that_never_came_cannot_be_replayed(stage: Stage) -> None:
    answer = await stage.client.post("/v1/webhook-events/evt_none/replay")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_everything_ever_received_rebuilds_the_same_state(stage: Stage) -> None:
    await lifecycles(stage)
    before = await everything(stage)
    rebuilt = await stage.container.rebuilder().rebuild()
    assert (rebuilt.failed, [str(difference) for difference in rebuilt.differences]) == ([], [])
    assert rebuilt.events == len(await stage.rows("SELECT id FROM webhook_events WHERE status = 'processed'"))
    assert await everything(stage) == before


async def test_a_rebuild_says_what_differs_and_repairs_it_when_asked(stage: Stage) -> None:
    await lifecycles(stage)
    before = await everything(stage)
    await stage.rows(
        "UPDATE invoices SET description = 'tampered', updated_at = now() - interval '1 s' WHERE status = 'void'"
    )
    await stage.rows(
        "UPDATE fulfillments SET attempts = 7, updated_at = now() - interval '1 s' WHERE status = 'fulfilled'"
    )
    await stage.rows("DELETE FROM customers WHERE id = (SELECT customer FROM invoices WHERE status = 'paid')")
    rebuilt = await stage.container.rebuilder().rebuild()
    told = "\n".join(str(difference) for difference in rebuilt.differences)
    assert len(rebuilt.differences) == 3
    assert "description is 'tampered', events say None" in told
    assert "attempts is 7, events say 1" in told
    assert "customers cus_" in told
    assert "missing" in told
    repaired = await stage.container.rebuilder().rebuild(repair=True)
    assert repaired.repaired == 3
    assert (await stage.container.rebuilder().rebuild()).differences == []
    after = await everything(stage)
    for table, rows in before.items():
        assert len(after[table]) == len(rows)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("before", [True, False])
async def test_items_that_change_while_they_are_compared_are_not_set_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, method: str, *, before: bool
) -> None:
    invoice = await stage.invoice(finalize=False)
    await stage.tell(*await stage.events())
    items = (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()["items"]
    compare = rebuild._compare

    async def change() -> None:
        path = f"/v1/invoices/{invoice['id']}/items/{items[0]['id']}"
        answer = await stage.client.request(method, path, json={"amount": 700} if method == "PATCH" else None)
        assert answer.status_code == 200, answer.text

    async def meanwhile(*arguments: Any) -> list[rebuild.Difference]:
        if before:
            await change()
        else:  # what is found differs already, and then changes once more
            await stage.rows("UPDATE invoice_items SET amount = 1")
        found = await compare(*arguments)
        if not before:
            await change()
        return found

    monkeypatch.setattr(rebuild, "_compare", meanwhile)
    rebuilt = await stage.container.rebuilder().rebuild(repair=True)
    assert len(rebuilt.differences) == (0 if before else 1)
    left = [row["amount"] for row in await stage.rows("SELECT amount FROM invoice_items")]
    assert left == ([700] if method == "PATCH" else [])


async def test_what_calls_told_and_events_do_not_is_no_difference(stage: Stage) -> None:
    customer = (await stage.client.post("/v1/customers", json={"name": "A", "email": "a@example.com"})).json()
    wanted = {"customer": customer["id"], "items": [{"amount": 900, "currency": "usd"}], "finalize": True}
    wanted |= {"days_until_due": 3}
    invoice = await stage.client.post("/v1/invoices", json=wanted)
    assert invoice.status_code == 201, invoice.text
    await stage.tell(*await stage.events())
    rebuilt = await stage.container.rebuilder().rebuild()
    assert [str(difference) for difference in rebuilt.differences] == []


@pytest.mark.parametrize("wanted", [Query(type="invoice.paid"), Query(status="dead"), Query(object_id="in_x")])
async def test_a_filter_that_matches_nothing_finds_nothing(stage: Stage, wanted: Query) -> None:
    assert await stage.container.replay.matching(wanted) == []


async def test_a_rebuild_touches_nothing_that_is_live_not_even_by_an_erasure(stage: Stage) -> None:
    customer = await stage.dashboard("customers", name="Gone", email="gone@example.com")
    await stage.sandbox.dashboard.delete(f"/v1/customers/{customer['id']}")
    await stage.tell(*await stage.events())
    audited = await stage.rows("SELECT * FROM audit_log")
    inbox = await stage.rows("SELECT * FROM webhook_events ORDER BY id")
    rebuilt = await stage.container.rebuilder().rebuild()
    assert (rebuilt.failed, [str(difference) for difference in rebuilt.differences]) == ([], [])
    assert await stage.rows("SELECT * FROM audit_log") == audited
    assert await stage.rows("SELECT * FROM webhook_events ORDER BY id") == inbox
