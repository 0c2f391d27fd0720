"""What never arrived is found, whatever died on the way, and what drifted is put right."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.cli.checks import endpoint
from app.cli.checks.findings import Level
from app.domain.errors import Overtaken, StripeError
from app.inbox import reconciler as reconciler_module
from app.inbox.handlers import HANDLERS
from app.projection import observation
from app.projection.unit_of_work import Subject
from app.stripe.mapping import Kind
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until


async def test_events_that_never_arrived_are_found_and_applied(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(await stage.event("invoice.finalized"))
    found = await stage.container.reconciler().reconcile()
    assert found is not None
    assert (await stage.event("invoice.paid"))["id"] in found.missed
    await stage.work()
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["status"] == "fulfilled"
    rows = await stage.rows("SELECT DISTINCT source FROM webhook_events WHERE id = ANY($1)", found.missed)
    assert [row["source"] for row in rows] == ["reconciler"]


async def test_a_second_pass_finds_nothing_and_its_cursor_moved(stage: Stage) -> None:
    await stage.invoice()
    reconciler = stage.container.reconciler()
    first = await reconciler.reconcile()
    second = await reconciler.reconcile()
    covered = await reconciler.covered()
    assert first is not None
    assert second is not None
    assert covered is not None
    assert (len(first.missed) > 0, second.missed) == (True, [])
    assert datetime.now(UTC) - covered.complete_until < timedelta(minutes=1)
    assert covered.missed == len(first.missed)


async def test_every_page_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.stripe.client.PAGE", 3)
    for _ in range(3):
        await stage.invoice()
    found = await stage.container.reconciler().reconcile()
    assert found is not None
    assert found.compared >= len(await stage.events()) > 9
    handled = [event["id"] for event in await stage.events() if event["type"] in HANDLERS]
    assert sorted(found.missed) == sorted(handled)


async def test_a_pass_that_dies_midway_is_made_good_by_the_next(stage: Stage) -> None:
    old = await stage.invoice()
    await stage.sandbox.advance(3 * 24 * 3600)
    new = await stage.invoice()
    reconciler = stage.container.reconciler()
    record, passed = reconciler._slice, 0

    async def dies(*arguments: object, **more: object) -> None:
        nonlocal passed
        passed += 1
        if passed == 9:
            raise StripeError("cut")
        await record(*arguments, **more)  # type: ignore[arg-type]

    reconciler._slice = dies  # type: ignore[method-assign]
    with pytest.raises(StripeError):
        await reconciler.reconcile()
    reconciler._slice = record  # type: ignore[method-assign]
    halfway = await reconciler.covered()
    again = await reconciler.reconcile()
    assert halfway is not None
    assert again is not None
    assert again.since > halfway.complete_until - timedelta(days=1)
    await stage.work()
    for invoice in (old, new):
        assert await stage.fulfillment(invoice["id"]) is not None


async def test_only_one_reconciles_at_a_time(stage: Stage) -> None:
    await stage.sandbox.fault("GET", "/v1/events", kind="stale_read", times=1)
    reconciler = stage.container.reconciler()
    slow = asyncio.create_task(reconciler.reconcile())
    await until(stage.calls)
    assert await reconciler.reconcile() is None
    await stage.sandbox.clear_faults()
    assert await slow is not None


async def test_a_pass_from_a_given_day_leaves_the_cursor_where_something_may_be_missing_before_it(stage: Stage) -> None:
    await stage.invoice()
    reconciler = stage.container.reconciler()
    found = await reconciler.reconcile(datetime.now(UTC) - timedelta(hours=1))
    assert found is not None
    assert found.missed
    assert await reconciler.covered() is None


async def test_an_alarm_is_raised_before_stripe_forgets(stage: Stage) -> None:
    reconciler = stage.container.reconciler()
    await reconciler.reconcile()
    raised: list[str] = []
    for days, told in ((26, "coverage_near_its_end"), (31, "coverage_lost")):
        await stage.rows("UPDATE coverage SET complete_until = now() - make_interval(days => $1)", days)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(reconciler_module.log, "error", lambda event, **_: raised.append(event))
            await reconciler.reconcile()
        assert raised[-1] == told


async def test_the_cursor_goes_on_after_more_days_than_stripe_keeps_events(stage: Stage) -> None:
    await stage.invoice()
    reconciler = stage.container.reconciler()
    await reconciler.reconcile()
    await stage.rows("UPDATE coverage SET complete_until = now() - interval '40 days'")
    await reconciler.reconcile()
    covered = await reconciler.covered()
    assert covered is not None
    assert datetime.now(UTC) - covered.complete_until < timedelta(minutes=1)
    (told,) = [finding async for finding in endpoint.check_coverage(stage.container)]
    lost = f"but for {datetime.now(UTC) - timedelta(days=40):%Y-%m-%d} "
    assert (told.level, lost in told.says) == (Level.WARN, True)
    await stage.rows("UPDATE coverage SET complete_until = complete_until - interval '30 days' WHERE name <> 'events'")
    (told,) = [finding async for finding in endpoint.check_coverage(stage.container)]
    assert (told.level, "Stripe no longer had those events" in told.says) == (Level.OK, True)


async def test_a_cursor_that_a_wrong_clock_moved_into_the_future_misses_no_event(stage: Stage) -> None:
    reconciler = stage.container.reconciler()
    await reconciler.reconcile()
    await stage.rows("UPDATE coverage SET complete_until = now() + interval '2 days'")
    await stage.invoice()
    found = await reconciler.reconcile()
    assert found is not None
    assert found.missed


async def test_an_invoice_that_drifted_is_repaired_and_its_fulfillment_with_it(stage: Stage) -> None:
    paid, voided, deleted, edited = [await stage.invoice(finalize=number < 2) for number in range(4)]
    await stage.tell(*await stage.events())
    await stage.dashboard(f"invoices/{paid['id']}/pay", payment_method="pm_card_visa")
    await stage.dashboard(f"invoices/{voided['id']}/void")
    await stage.sandbox.dashboard.delete(f"/v1/invoices/{deleted['id']}")
    await stage.dashboard(f"invoices/{edited['id']}", description="edited")
    repaired = await stage.container.repairing().repair()
    assert set(repaired) == {paid["id"], voided["id"], deleted["id"], edited["id"]}
    assert await stage.container.repairing().repair() == []
    for invoice, status in ((paid, "fulfilled"), (voided, "canceled")):
        fulfillment = await stage.fulfillment(invoice["id"])
        assert fulfillment is not None
        assert fulfillment["status"] == status
    row = await stage.row("invoices", edited["id"])
    assert row is not None
    assert row["description"] == "edited"


async def test_a_fulfillment_that_lags_its_invoice_is_found(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    await stage.rows(
        "UPDATE fulfillments SET status = 'awaiting_payment', fulfilled_at = NULL WHERE invoice = $1", invoice["id"]
    )
    assert await stage.container.repairing().repair() == [invoice["id"]]
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["status"] == "fulfilled"


async def test_comparing_a_hundred_open_invoices_takes_one_list_each(stage: Stage) -> None:
    newest = [await stage.invoice() for _ in range(5)][-1]
    await stage.tell(*await stage.events())
    await stage.rows("UPDATE invoices SET created_at = created_at + interval '1 minute' WHERE id = $1", newest["id"])
    await stage.calls(forget=True)
    assert await stage.container.repairing().repair() == []
    same_account = [f"GET /v1/invoices/{newest['id']}"]
    returned = ["GET /v1/refunds", "GET /v1/credit_notes", "GET /v1/disputes", "GET /v1/payment_methods"]
    assert await stage.calls() == [*same_account, *["GET /v1/invoices"] * 3, *returned]


async def test_an_invoice_that_stripe_does_not_answer_for_is_left_to_the_next_pass(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.dashboard(f"invoices/{invoice['id']}/void")
    await stage.sandbox.fault("GET", f"/v1/invoices/{invoice['id']}", status=400)
    assert await stage.container.repairing().repair() == []
    await stage.sandbox.clear_faults()
    assert await stage.container.repairing().repair() == [invoice["id"]]


async def test_an_invoice_that_cannot_be_stored_holds_no_other_back(stage: Stage) -> None:
    invoices = [await stage.invoice(description=text) for text in ("a", "not to be stored", "b")]
    async with stage.container.database.connection() as connection:
        await connection.execute("ALTER TABLE invoices ADD CHECK (description <> 'not to be stored')")
    repaired = await stage.container.repairing().repair()
    assert {invoices[0]["id"], invoices[2]["id"]} <= set(repaired)
    assert await stage.row("invoices", invoices[1]["id"]) is None


async def test_an_event_that_cannot_be_read_holds_no_other_back(stage: Stage) -> None:
    await stage.dashboard("products", name="with an id that is longer than any of ours", id="p" * 300)
    invoice = await stage.invoice()
    found = await stage.container.reconciler().reconcile()
    assert found is not None
    assert (await stage.event("product.created"))["id"] not in found.missed
    await stage.work()
    assert await stage.row("invoices", invoice["id"])


async def test_a_customer_that_never_arrived_is_fetched(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.tell(await stage.event("invoice.finalized"))
    await stage.rows("DELETE FROM customers")
    assert await stage.container.repairing().repair() == [invoice["customer"]]


async def test_a_write_about_an_object_that_others_keep_changing_ends_and_its_retry_continues(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await stage.client.post("/v1/customers", json={"name": "Jenny"})
    path, key = f"/v1/customers/{made.json()['id']}", {"Idempotency-Key": "rename"}
    observe, looks = observation.observe, 0

    async def change() -> None:
        await stage.rows(
            "UPDATE customers SET revision = revision + 1, snapshot_digest = revision::text, "
            "snapshot_since = now() - interval '1 minute', snapshot_until = now() + interval '1 minute'"
        )

    async def overtaken(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        answer = await observe(*arguments)
        await change()
        return answer

    await change()
    monkeypatch.setattr(observation, "observe", overtaken)
    refused = await stage.client.patch(path, json={"name": "Oscar"}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (503, "stripe_unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert looks == observation.MOST_LOOKS
    monkeypatch.setattr(observation, "observe", observe)
    again = await stage.client.patch(path, json={"name": "Oscar"}, headers=key)
    assert (again.status_code, again.json()["name"]) == (200, "Oscar")
    assert (await stage.calls()).count(f"POST {path}") == 2  # under one key: Stripe replayed the second


async def test_an_object_that_changes_faster_than_stripe_answers_is_given_up_for_now(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = await stage.invoice(finalize=False)
    await stage.tell(*await stage.events())
    subject = Subject(Kind.INVOICE, invoice["id"])
    observe, looks = observation.observe, 0

    async def overtaken(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        await stage.dashboard(f"invoices/{invoice['id']}", description=f"look {looks}")
        answer = await observe(*arguments)
        await stage.rows(
            "UPDATE invoices SET revision = revision + 1, snapshot_digest = $2, snapshot_until = now() WHERE id = $1",
            invoice["id"], f"changed {looks}",
        )  # fmt: skip
        return answer

    monkeypatch.setattr(observation, "observe", overtaken)
    with pytest.raises(Overtaken):  # which a caller is told as 503
        await observation.take_over(stage.container.database, stage.container.gateway, subject, "test")
    assert looks == observation.MOST_LOOKS
