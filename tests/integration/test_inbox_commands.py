"""What an operator does to the inbox from a shell, as a shell runs it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from stripe.params import WebhookEndpointCreateParams

from app.inbox.handlers import HANDLERS
from app.inbox.signers import Signer
from app.inbox.stripe_endpoint import advice
from app.stripe.client import API_VERSION
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.shell import Shell
from tests.fixtures.stage import Stage

NOW = datetime(2026, 11, 1, tzinfo=UTC)


async def test_replay_needs_to_be_told_what_and_tells_its_progress(stage: Stage, invoicing: Shell) -> None:
    await stage.invoice()
    await stage.tell(*await stage.events())
    await invoicing("events", "replay", status=2)
    event = (await stage.event("invoice.finalized"))["id"]
    assert "1 of 1 events replayed, 0 failed" in (await invoicing("events", "replay", event)).stdout
    some = await invoicing("events", "replay", "--type", "invoice.created", "--since", "2020-01-01")
    assert "1 of 1 events replayed" in some.stdout
    everything = await invoicing("events", "replay", "--all")
    applied = await stage.rows("SELECT id FROM webhook_events WHERE status = 'processed'")
    assert f"{len(applied)} of {len(applied)} events replayed, 0 failed" in everything.stdout
    assert "No event matches." in (await invoicing("events", "replay", "--status", "dead")).stdout
    (unhandled,) = await stage.rows("SELECT id FROM webhook_events WHERE status = 'ignored' LIMIT 1")
    assert "nothing handles it" in (await invoicing("events", "replay", unhandled["id"], status=1)).stderr


async def test_actions_are_listed_and_tried_again_and_the_audit_log_knows_by_whom(
    stage: Stage, invoicing: Shell
) -> None:
    await stage.rows("INSERT INTO configured_actions (action) VALUES ('email'), ('ship')")
    for _ in range(2):
        invoice = await stage.invoice()
        await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    ended = "UPDATE fulfillment_actions SET status = $2, next_attempt_at = NULL, finished_at = now() WHERE action = $1"
    await stage.rows(ended, "email", "dead")
    await stage.rows(ended, "ship", "done")
    _, *listed = (await invoicing("actions", "list", "--status", "dead")).stdout.splitlines()
    assert {tuple(line.split()[2:5]) for line in listed} == {("email", "fulfilled", "dead")}
    assert len((await invoicing("actions", "list")).stdout.splitlines()) == 1 + 4
    await invoicing("actions", "retry", status=2)
    first = listed[0].split()[0]
    assert "1 actions will be tried again" in (await invoicing("actions", "retry", first)).stdout
    rest = await invoicing("actions", "retry", "--status", "dead", "--action", "email")
    assert "1 actions will be tried again" in rest.stdout
    done = await invoicing("actions", "retry", "--status", "done")
    assert "0 actions will be tried again" in done.stdout
    assert "there is nothing to try again" in done.stderr
    assert "There is no fulfillment action" in (await invoicing("actions", "retry", "act_none", status=1)).stderr
    audit = await stage.rows(
        "SELECT actor FROM audit_log WHERE action = 'retry_fulfillment_action' AND subject = $1", first
    )
    assert [row["actor"].split(":")[0] for row in audit] == ["cli"]


async def test_reconcile_says_what_was_missing_and_how_far_all_is_complete(stage: Stage, invoicing: Shell) -> None:
    invoice = await stage.invoice()
    told = (await invoicing("reconcile")).stdout
    assert (await stage.event("invoice.finalized"))["id"] in told
    assert f"repaired {invoice['id']}" in told
    assert "Complete up to " in told
    again = (await invoicing("reconcile", "--since", f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}")).stdout
    assert ": 0 were missing" in again


async def test_rebuild_tells_differences_by_its_exit_status(stage: Stage, invoicing: Shell) -> None:
    await stage.invoice()
    await stage.tell(*await stage.events())
    assert "0 differences" in (await invoicing("rebuild", "--verify")).stdout
    await stage.rows("UPDATE invoices SET description = 'tampered', updated_at = now() - interval '1 second'")
    assert "tampered" in (await invoicing("rebuild", status=1)).stdout
    assert "1 differences, 1 repaired" in (await invoicing("rebuild", "--repair")).stdout
    await invoicing("rebuild", "--verify")


async def test_setup_makes_an_endpoint_of_exactly_what_is_handled(sandbox: Sandbox, invoicing: Shell) -> None:
    url = "https://pay.example.com/webhooks/stripe"
    made = await invoicing("webhooks", "setup", "--url", url)
    assert made.stdout.splitlines()[-1].startswith("whsec_")
    (endpoint,) = [it for it in (await listed(sandbox)) if it["url"] == url]
    assert (sorted(endpoint["enabled_events"]), endpoint["api_version"]) == (sorted(HANDLERS), API_VERSION)
    assert "unchanged" in (await invoicing("webhooks", "setup", "--url", url)).stdout
    form = {"enabled_events[0]": "invoice.paid"}
    await sandbox.dashboard.post(f"/v1/webhook_endpoints/{endpoint['id']}", data=form)
    updated = (await invoicing("webhooks", "setup", "--url", url)).stdout
    assert "updated" in updated
    assert "whsec_" not in updated
    (again,) = [it for it in (await listed(sandbox)) if it["url"] == url]
    assert sorted(again["enabled_events"]) == sorted(HANDLERS)


async def test_setup_needs_no_signing_secret_since_it_is_what_makes_one(
    sandbox: Sandbox, invoicing: Shell, environment: dict[str, str]
) -> None:
    del environment["STRIPE_WEBHOOK_SECRETS"]
    made = await invoicing("webhooks", "setup", "--url", "https://first.example.com/webhooks/stripe")
    assert made.stdout.splitlines()[-1].startswith("whsec_")
    assert "https://first.example.com/webhooks/stripe" in [endpoint["url"] for endpoint in await listed(sandbox)]
    refused = await invoicing("webhooks", "secrets", status=2)
    assert "STRIPE_WEBHOOK_SECRETS" in refused.stderr


async def test_setup_leaves_an_endpoint_of_another_api_version_and_says_so(sandbox: Sandbox, invoicing: Shell) -> None:
    url = sandbox.webhook_url
    told = (await invoicing("webhooks", "setup", "--url", url)).stdout
    assert "is created" in told
    assert "in another API version" in told


async def test_secrets_shows_which_one_verified_what(stage: Stage, invoicing: Shell) -> None:
    await stage.invoice()
    await stage.tell(*await stage.events())
    told = (await invoicing("webhooks", "secrets")).stdout
    assert stage.container.secrets[0].name in told
    assert told.rstrip().endswith("in use")


async def listed(sandbox: Sandbox) -> list[dict[str, Any]]:
    answer: httpx.Response = await sandbox.dashboard.get("/v1/webhook_endpoints", params={"limit": 100})
    return list(answer.json()["data"])


@pytest.mark.parametrize(
    ("last", "configured", "newer", "told"),
    [
        (NOW, False, True, "not configured"),
        (None, True, False, "nothing yet"),
        (NOW - timedelta(hours=25), True, True, "can go"),
        (NOW - timedelta(hours=2), True, True, "keep"),
        (NOW - timedelta(days=3), True, False, "in use"),
    ],
)
def test_a_secret_can_go_when_another_did_its_work_for_a_day(
    last: datetime | None, configured: bool, newer: bool, told: str  # noqa: FBT001 -- a table
) -> None:  # fmt: skip
    assert told in advice(Signer("whsec:x", 1, last, last), configured=configured, others_newer=newer, now=NOW)


def test_every_handled_event_is_one_that_stripe_delivers() -> None:
    (known,) = WebhookEndpointCreateParams.__annotations__["enabled_events"].__args__
    assert set(HANDLERS) <= set(known.__args__)
