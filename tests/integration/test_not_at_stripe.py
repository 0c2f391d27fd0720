"""A 404 of Stripe's is a deletion only of what Stripe can have deleted; of anything else it is a wrong key, and is said."""

import pytest

from app.domain.errors import NotAtStripe
from tests.fixtures.shell import Shell
from tests.fixtures.stage import Json, Stage

OTHER_VERSION = "2020-08-27"


def of_another_version(event: Json, **changes: object) -> Json:
    """The event as another API version writes it: nothing of it but its ids may be read."""
    named = {name: event["data"]["object"][name] for name in ("id", "object")}
    return event | {"id": f"{event['id']}_old", "api_version": OTHER_VERSION, "data": {"object": named | changes}}


async def unknown_to_stripe(stage: Stage, path: str = "/v1/invoices/*") -> None:
    await stage.sandbox.fault("GET", path, kind="status", status=404, code="resource_missing", message="No such thing")


async def error_of(stage: Stage, event: Json) -> str:
    row = await stage.row("webhook_events", event["id"])
    assert row is not None
    assert row["status"] == "failed"
    return str(row["last_error"])


async def paid(stage: Stage) -> Json:
    invoice = await stage.invoice()
    return await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")


async def test_a_404_does_not_bury_a_paid_invoice(stage: Stage) -> None:
    invoice = await paid(stage)
    await stage.tell(*await stage.events())
    await unknown_to_stripe(stage)
    late = of_another_version(await stage.event("invoice.updated"))
    await stage.tell(late)
    assert "NotAtStripe" in await error_of(stage, late)
    answer = await stage.client.get(f"/v1/invoices/{invoice['id']}")
    assert (answer.status_code, answer.json().get("status")) == (200, "paid")


async def test_what_is_told_of_a_finalized_invoice_after_a_404_is_seen(stage: Stage) -> None:
    invoice = await paid(stage)
    events = await stage.events()
    await unknown_to_stripe(stage)
    early = of_another_version(await stage.event("invoice.finalized"))
    await stage.tell(early)
    assert "another account" in await error_of(stage, early)
    await stage.tell(*(event for event in events if event["type"] == "invoice.paid"))
    assert (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()["status"] == "paid"
    fulfillment = await stage.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert fulfillment["status"] == "fulfilled"


async def test_a_draft_taken_for_deleted_comes_back_once_it_is_finalized(stage: Stage) -> None:
    invoice = await stage.invoice()
    events = await stage.events()
    await unknown_to_stripe(stage)
    await stage.tell(of_another_version(await stage.event("invoice.created")))
    assert (await stage.client.get(f"/v1/invoices/{invoice['id']}")).status_code == 404
    await stage.tell(*events)
    shown = (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()
    assert (shown["status"], len(shown["items"])) == ("open", 1)


async def test_a_known_draft_taken_for_deleted_comes_back_with_its_items(stage: Stage) -> None:
    invoice = await stage.invoice()
    events = await stage.events()
    drafts = [it for it in events if it["type"] in {"invoice.created", "invoice.updated"}]
    await stage.tell(*(event for event in drafts if event["data"]["object"]["status"] == "draft"))
    await unknown_to_stripe(stage)
    await stage.tell(of_another_version(await stage.event("invoice.created")))
    assert (await stage.client.get(f"/v1/invoices/{invoice['id']}")).status_code == 404
    await stage.tell(*(event for event in events if event["type"] == "invoice.finalized"))
    shown = (await stage.client.get(f"/v1/invoices/{invoice['id']}")).json()
    assert (shown["status"], len(shown["items"])) == ("open", 1)


async def test_an_event_in_our_version_is_read_where_its_object_cannot_be_fetched(stage: Stage) -> None:
    customer = await stage.dashboard("customers", name="One")
    await stage.dashboard(f"customers/{customer['id']}", name="Two")
    created, updated = await stage.event("customer.created"), await stage.event("customer.updated")
    tied = updated | {"id": "evt_tied", "data": {"object": updated["data"]["object"] | {"name": "Three"}}}
    await stage.tell(created, updated)
    await unknown_to_stripe(stage, "/v1/customers/*")
    await stage.tell(tied)
    assert (await stage.client.get(f"/v1/customers/{customer['id']}")).json()["name"] == "Three"


@pytest.mark.parametrize("kind", ["customer", "product"])
async def test_only_a_deletion_that_is_told_deletes(stage: Stage, kind: str) -> None:
    made = await stage.dashboard(f"{kind}s", name="One")
    await stage.tell(*await stage.events())
    await unknown_to_stripe(stage, f"/v1/{kind}s/*")
    changed = of_another_version(await stage.event(f"{kind}.created")) | {"type": f"{kind}.updated"}
    await stage.tell(changed)
    assert "NotAtStripe" in await error_of(stage, changed)
    path = f"/v1/{kind}s/{made['id']}"
    assert (await stage.client.get(path)).status_code == 200
    await stage.tell(changed | {"id": "evt_deleted", "type": f"{kind}.deleted"})
    assert (await stage.client.get(path)).status_code == 404
    await stage.tell(changed | {"id": "evt_again"})
    row = await stage.row("webhook_events", "evt_again")
    assert row is not None
    assert row["status"] == "processed"


async def test_nothing_of_another_account_is_taken_over(stage: Stage) -> None:
    await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.sandbox.reset()  # as if the key were of another account
    other = await stage.invoice()
    for compare in (stage.container.repairing().repair, stage.container.reconciler().reconcile):
        with pytest.raises(NotAtStripe):
            await compare()
    await stage.work()
    assert await stage.row("invoices", other["id"]) is None
    assert not await stage.rows("SELECT FROM coverage")


async def test_invoices_that_a_test_clock_took_along_are_no_sign_of_another_account(stage: Stage) -> None:
    kept, *gone = [await stage.invoice() for _ in range(3)]
    await stage.tell(*await stage.events())
    await stage.rows("UPDATE invoices SET created_at = created_at - interval '1 minute' WHERE id = $1", kept["id"])
    for one in gone:
        await unknown_to_stripe(stage, f"/v1/invoices/{one['id']}")
    await stage.container.reconciler().reconcile()
    assert await stage.rows("SELECT FROM coverage")


async def test_the_doctor_says_that_the_key_is_of_another_account(stage: Stage, invoicing: Shell) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    await unknown_to_stripe(stage)
    found = await invoicing.json("doctor", status=2)
    (finding,) = [it for it in found["findings"] if it["check"] == "account"]
    assert finding["level"] == "fail"
    assert invoice["id"] in finding["says"]
