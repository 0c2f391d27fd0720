"""Another version of Stripe's API is tried on what is stored, before anything depends on it."""

import asyncio
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.domain.errors import StripeError, StripeInvalidRequest
from app.rebuild.rehearsal import Rehearsed
from app.settings import Settings
from app.stripe.client import API_VERSION
from tests.fixtures.sandbox import PROJECT
from tests.fixtures.stage import Json, Stage
from tests.fixtures.warm import run_warm

NEXT = "2027-01-01.next"
Invoicing = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
def invoicing(settings: Settings, tmp_path: Path) -> Invoicing:
    secrets = ",".join(secret.get_secret_value() for secret in settings.stripe_webhook_secrets)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "STRIPE_API_BASE": settings.stripe_api_base}
    environment |= {"DATABASE_URL": settings.database_url.get_secret_value(), "STRIPE_WEBHOOK_SECRETS": secrets}
    environment |= {"STRIPE_SECRET_KEY": settings.stripe_secret_key.get_secret_value()}

    async def run(*words: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(run_warm, "upgrade-rehearsal", *words, env=environment, cwd=tmp_path)

    return run


async def lifecycles(stage: Stage) -> dict[str, str]:
    """An invoice that is paid, one that a card was declined for, one that is still a draft; all applied."""
    paid, failed, draft = [await stage.invoice(finalize=number < 2) for number in range(3)]
    await stage.dashboard(f"invoices/{paid['id']}/pay", payment_method="pm_card_visa")
    await stage.dashboard(f"invoices/{failed['id']}/pay", payment_method="pm_card_visa_chargeDeclined")
    await stage.tell(*await stage.events())
    return {"paid": paid["id"], "failed": failed["id"], "draft": draft["id"]}


async def asked(stage: Stage, version: str = NEXT, last: int = 500) -> Rehearsed:
    async with stage.container.rehearsal(version) as rehearsal:
        return await rehearsal.ask(last)


async def read(stage: Stage, *events: Json) -> Rehearsed:
    async with stage.container.rehearsal(NEXT) as rehearsal:
        return await rehearsal.read(json.dumps(event).encode() for event in events)


def next_version(event: Json, **changed: Any) -> Json:
    """The event as it is delivered in the next version."""
    kept = {name: value for name, value in event["data"]["object"].items() if changed.get(name, value) is not None}
    return event | {"api_version": NEXT, "data": {"object": kept | {k: v for k, v in changed.items() if v is not None}}}


async def test_a_version_that_changes_nothing_we_read_differs_in_nothing(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": "invoice", "set": {"something_new": 1}})
    found = await asked(stage)
    assert (found.divergences, found.drifted, found.gone) == ([], [], 0)
    assert found.compared == 8  # three invoices and their customers, and both PaymentIntents


async def test_the_version_of_this_build_is_rehearsed_against_what_is_stored(stage: Stage) -> None:
    await lifecycles(stage)
    found = await asked(stage, API_VERSION)
    assert (found.divergences, found.drifted) == ([], [])
    assert (found.compared, found.read) == (6, 2)


async def test_a_field_that_became_another_is_told_with_both_its_values(stage: Stage) -> None:
    ids = await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": "invoice", "rename": {"amount_due": "amount_owed"}})
    found = await asked(stage)
    problems = {divergence.about: divergence for divergence in found.divergences}
    assert problems[ids["draft"]].fields == {"amount_due": (5000, None)}
    assert str(problems[ids["draft"]]) == f"{ids['draft']}: amount_due is 5000, would be None"
    assert "cannot be read: KeyError: 'amount_due'" in str(problems[ids["paid"]])


@pytest.mark.parametrize(
    ("kind", "said", "found"),
    [
        ("invoice", {"customer_name": "Somebody"}, {"customer_name": ("Jenny Rosen", "Somebody")}),
        ("line_item", {"quantity_decimal": "2.5"}, {"quantity_decimal": ("1", "2.5")}),
    ],
)
async def test_a_field_that_only_documents_hold_is_compared_with_them(
    stage: Stage, kind: str, said: Json, found: dict[str, tuple[str, str]]
) -> None:
    ids = await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": kind, "set": said})
    divergences = {one.about: one.fields for one in (await asked(stage)).divergences}
    assert ids["paid"] in divergences
    fields = divergences[ids["paid"]]
    if kind == "line_item":
        ((known, candidate),) = fields.values()
        assert isinstance(known, dict)
        assert isinstance(candidate, dict)
        fields = {name: (known[name], candidate[name]) for name in known if known[name] != candidate[name]}
    assert fields == found


async def test_a_field_that_an_older_document_lacks_differs_in_nothing(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.rows("UPDATE invoices SET document = NULL, items_document = NULL, document_version = 0")
    await stage.sandbox.version(NEXT, {"object": "invoice", "set": {"customer_name": "Somebody"}})
    found = await asked(stage)
    assert (found.divergences, found.drifted) == ([], [])


async def test_a_status_that_means_something_else_is_told_with_what_would_follow(stage: Stage) -> None:
    ids = await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": "invoice", "set": {"status": "paid"}})
    found = {divergence.about: divergence.fields for divergence in (await asked(stage)).divergences}
    assert found[ids["failed"]]["status"] == ("open", "paid")
    assert found[ids["failed"]]["fulfillment"] == ("awaiting_payment", "fulfilled")
    await stage.sandbox.version(NEXT, {"object": "invoice", "set": {"status": "open"}})
    back = {divergence.about: divergence.fields for divergence in (await asked(stage)).divergences}
    assert back[ids["paid"]]["status"] == ("paid", "open")
    assert "fulfillment" not in back[ids["paid"]]  # the lattice does not go back


async def test_a_status_that_nobody_knows_cannot_be_read(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": "invoice", "set": {"status": "partially_paid"}})
    found = await asked(stage)
    assert len([it for it in found.divergences if it.problem and "partially_paid" in it.problem]) == 3


async def test_items_and_reasons_of_failures_are_compared_too(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.sandbox.version(
        NEXT,
        {"object": "line_item", "set": {"description": "other"}},
        {"object": "payment_intent", "rename": {"last_payment_error": "latest_error"}},
    )
    found = await asked(stage)
    fields = {name.partition("[")[0] for divergence in found.divergences for name in divergence.fields}
    assert fields >= {"items", "attempt", "failure_code", "failure_message"}


async def test_what_drifted_from_stripe_is_not_blamed_on_the_version(stage: Stage) -> None:
    ids = await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": "invoice", "rename": {"footer": "foot"}})
    await stage.rows("UPDATE invoices SET description = 'tampered' WHERE id = $1", ids["draft"])
    found = await asked(stage)
    assert (found.divergences, found.drifted) == ([], [ids["draft"]])
    found = await asked(stage, API_VERSION)
    assert [divergence.fields for divergence in found.divergences] == [{"description": ("tampered", None)}]


async def test_what_happened_and_was_never_told_is_drift_too(stage: Stage) -> None:
    ids = await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": "invoice", "rename": {"footer": "foot"}})
    await stage.dashboard(f"invoices/{ids['failed']}/pay", payment_method="pm_card_visa")
    found = await asked(stage)
    assert (found.divergences, found.drifted) == ([], [ids["failed"]])


async def test_what_is_gone_at_stripe_is_counted(stage: Stage) -> None:
    ids = await lifecycles(stage)
    await stage.sandbox.dashboard.delete(f"/v1/invoices/{ids['draft']}")
    found = await asked(stage, API_VERSION)
    assert (found.gone, found.divergences) == (1, [])


async def test_only_the_last_events_are_rehearsed(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.calls(forget=True)
    found = await asked(stage, API_VERSION, last=1)
    assert found.compared + found.read == 1
    assert len(await stage.calls()) == 2  # whether the version is known, and the object


async def test_a_version_that_stripe_does_not_know_is_refused_at_once(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.calls(forget=True)
    with pytest.raises(StripeInvalidRequest, match="Invalid Stripe API version"):
        await asked(stage, "1999-01-01")
    assert len(await stage.calls()) == 1


async def test_a_stripe_that_is_away_is_no_difference(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.sandbox.fault("GET", "/v1/invoices/*", status=500)
    with pytest.raises(StripeError):
        await asked(stage, API_VERSION)


async def test_an_object_that_stripe_refuses_to_show_is_told(stage: Stage) -> None:
    ids = await lifecycles(stage)
    await stage.sandbox.fault("GET", f"/v1/invoices/{ids['paid']}", status=400, message="expand: not in this version")
    (divergence,) = (await asked(stage, API_VERSION)).divergences
    assert (divergence.about, divergence.problem) == (ids["paid"], "Stripe refuses: expand: not in this version")


async def test_delivered_events_of_the_next_version_are_compared_with_their_twins(stage: Stage) -> None:
    await lifecycles(stage)
    paid, failed = await stage.event("invoice.paid"), await stage.event("payment_intent.payment_failed")
    linked = await stage.event("invoice_payment.paid")
    ignored = await stage.event("payment_intent.created")
    same = [next_version(event) for event in (paid, failed, linked, ignored)]
    found = await read(stage, *same)
    assert (found.compared, found.divergences) == (3, [])
    unknown = next_version(paid) | {"id": "evt_elsewhere"}
    broken = next_version(paid, status_transitions=None)
    other = next_version(paid, amount_paid=1)
    found = await read(stage, unknown, broken, other, {"id": "evt_without_anything"})
    assert (found.compared, found.read) == (1, 1)
    assert [divergence.about for divergence in found.divergences] == [
        paid["id"],
        f"{paid['id']} (invoice.paid)",
        "evt_without_anything",
    ]
    assert found.divergences[1].fields == {"amount_paid": (5000, 1)}


async def test_a_rehearsal_cannot_write_and_only_asks(stage: Stage) -> None:
    await lifecycles(stage)
    await stage.sandbox.version(NEXT, {"object": "invoice", "rename": {"footer": "foot"}})
    before = await stage.rows("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_all_tables")
    await stage.calls(forget=True)
    await asked(stage)
    assert all(call.startswith("GET ") for call in await stage.calls())
    assert await stage.rows("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_all_tables") == before
    async with stage.container.rehearsal(NEXT) as rehearsal, rehearsal._reading() as connection:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("DELETE FROM invoices")


async def test_the_command_says_by_its_status_whether_anything_differs(stage: Stage, invoicing: Invoicing) -> None:
    ids = await lifecycles(stage)
    same = await invoicing()
    assert (same.returncode, same.stdout.splitlines()[-1]) == (
        0,
        f"{API_VERSION}: 6 compared, 2 could only be read, 0 are gone: 0 differences",
    )
    await stage.sandbox.version(NEXT, {"object": "invoice", "rename": {"footer": "foot", "subtotal": "sub"}})
    await stage.rows("UPDATE invoices SET description = 'tampered' WHERE id = $1", ids["draft"])
    differs = await invoicing("--api-version", NEXT)
    assert differs.returncode == 1, differs.stderr
    assert f"{ids['paid']}: subtotal is 5000, would be None" in differs.stdout
    assert "By field: subtotal 3" in differs.stdout
    assert f"{ids['draft']}: is not as Stripe has it in our own version either" in differs.stdout
    document = json.loads((await invoicing("--api-version", NEXT, "--json")).stdout)
    assert document["drifted"] == [ids["draft"]]
    told = {it["about"]: it["fields"] for it in document["differences"]}
    assert told[ids["paid"]] == {"subtotal": {"stored": 5000, "candidate": None}}
    refused = await invoicing("--api-version", "1999-01-01")
    assert refused.returncode == 2
    assert "Invalid Stripe API version" in refused.stderr


async def test_the_command_reads_events_from_a_file_or_a_folder(
    stage: Stage, invoicing: Invoicing, tmp_path: Path
) -> None:
    await lifecycles(stage)
    events = [next_version(event) for event in await stage.events("invoice.paid", "invoice.finalized")]
    (tmp_path / "folder").mkdir()
    for number, event in enumerate(events):
        (tmp_path / "folder" / f"{number}.json").write_text(json.dumps(event, indent=2))
    (tmp_path / "lines").write_text("\n".join(json.dumps(event) for event in events))
    for place in ("folder", "lines"):
        done = await invoicing("--events", str(tmp_path / place), "--api-version", NEXT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith(f"{NEXT}: {len(events)} compared")
    (tmp_path / "empty").mkdir()
    assert (await invoicing("--events", str(tmp_path / "empty"), "--api-version", NEXT)).returncode == 2
