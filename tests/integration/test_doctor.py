"""The doctor, as a shell runs it: what it says when all is well, and of each fault that a deployment can have."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.cli.checks import database as database_checks
from app.cli.checks import surroundings
from app.cli.checks.clock import skewed
from app.cli.checks.findings import Level
from app.db import migrations
from app.db import server as server_module
from app.db.server import Server
from app.http.connections import MOST, RESERVED
from app.inbox.handlers import HANDLERS
from app.settings import Settings
from tests.fixtures.caller import Caller
from tests.fixtures.identity import IdentityProvider
from tests.fixtures.mail import MailServer
from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.shell import Shell
from tests.fixtures.stage import Stage

Json = dict[str, Any]
Findings = dict[str, list[Json]]
NOT_FOR_TESTS = "fsync or full_page_writes is off"
"""What the tests' own database is rightly blamed for."""


async def examined(invoicing: Shell, *, status: int) -> Findings:
    """Return what is not as it should be, by check."""
    found = await invoicing.json("doctor", status=status)
    assert found["status"] == {0: "ok", 1: "warn", 2: "fail"}[status]
    assert all(set(finding) == {"check", "level", "says", "advice"} for finding in found["findings"])
    wrong: Findings = {}
    for finding in found["findings"]:
        assert (finding["level"] == "ok") == (finding["advice"] is None)
        if finding["level"] != "ok" and NOT_FOR_TESTS not in finding["says"]:
            wrong.setdefault(finding["check"], []).append(finding)
    return wrong


@pytest.fixture
async def healthy(stage: Stage) -> Stage:
    """A service that has heard of an invoice, and of everything there is."""
    await stage.invoice()
    await stage.tell(*await stage.events())
    await stage.container.reconciler().reconcile()
    return stage


def only(findings: Findings, check: str, level: str = "fail") -> Json:
    (finding,) = findings[check]
    assert finding["level"] == level
    return finding


async def test_all_is_well_with_a_service_that_works(healthy: Stage, invoicing: Shell) -> None:
    told = (await invoicing("doctor", status=1)).stdout.splitlines()
    assert [line.split()[0] for line in told if not line.startswith("      ")].count("ok") == len(told) - 2
    assert next(line for line in told if line.startswith("warn")).endswith("can destroy the database")
    seen = {line[6:24].strip() for line in told if line.startswith("ok")}
    assert {"database", "migrations", "stripe", "permissions", "webhook endpoint", "coverage", "inbox"} <= seen


async def test_every_setting_that_is_wrong_is_told_not_only_the_first(invoicing: Shell) -> None:
    invoicing.environment |= {
        "PORT": "many",
        "WORKERS": "0",
        "API_BOOTSTRAP_KEY": "short",
        "SMTP_HOST": "mail.example",
        "OIDC_ISSUER": "https://id.example",
        "STRIPE_SECRET_KEY": "",
    }
    del invoicing.environment["DATABASE_URL"]
    wrong = await examined(invoicing, status=2)
    said = "\n".join(finding["says"] for finding in wrong["settings"])
    for name in ("PORT", "WORKERS", "API_BOOTSTRAP_KEY", "SMTP_HOST and SMTP_FROM", "OIDC_ISSUER", "DATABASE_URL"):
        assert name in said
    assert list(wrong) == ["settings"]


async def test_a_database_that_is_away_is_told_and_stripe_is_looked_at_all_the_same(
    sandbox: Sandbox, invoicing: Shell
) -> None:
    invoicing.environment["DATABASE_URL"] = f"postgresql://127.0.0.1:{find_free_port()}/none"
    found = await invoicing.json("doctor", status=2)
    by_check = {finding["check"]: finding["level"] for finding in found["findings"]}
    (away,) = [finding for finding in found["findings"] if finding["check"] == "database"]
    assert (away["level"], "Connect call failed" in away["says"]) == ("fail", True)
    assert away["advice"].startswith("Is it up")
    assert by_check["permissions"] == by_check["webhook endpoint"] == "ok"
    assert "coverage" not in by_check


async def test_a_database_without_tables_is_told_what_makes_them(
    empty_database: Database, sandbox: Sandbox, invoicing: Shell
) -> None:
    invoicing.environment["DATABASE_URL"] = empty_database.url
    finding = only(await examined(invoicing, status=2), "migrations")
    assert (finding["says"], finding["advice"]) == ("the database has no tables", "invoicing migrate")


async def test_a_schema_that_is_behind_or_ahead_is_told(healthy: Stage, invoicing: Shell) -> None:
    older = min(migrations.known() - {migrations.head()})
    await healthy.rows("UPDATE alembic_version SET version_num = $1", older)
    assert migrations.head() in only(await examined(invoicing, status=2), "migrations")["says"]
    await healthy.rows("UPDATE alembic_version SET version_num = 'of_the_future'")
    assert "older than the schema" in only(await examined(invoicing, status=1), "migrations", "warn")["says"]


async def test_stripe_out_of_reach_is_told(healthy: Stage, invoicing: Shell) -> None:
    invoicing.environment["STRIPE_API_BASE"] = f"http://127.0.0.1:{find_free_port()}"
    wrong = await examined(invoicing, status=2)
    assert "status.stripe.com" in only(wrong, "stripe")["advice"]
    assert set(wrong) == {"stripe", "webhook endpoint"}


async def test_a_key_that_stripe_does_not_know_is_told(healthy: Stage, invoicing: Shell) -> None:
    await healthy.sandbox.fault("GET", "/v1/events", kind="status", status=401, times=1)
    assert only(await examined(invoicing, status=2), "stripe")["says"] == "Stripe does not know the key"


async def test_each_permission_that_a_restricted_key_lacks_is_named(healthy: Stage, invoicing: Shell) -> None:
    key = "rk_test_of_the_doctor"
    granted = [
        "product_write", "price_write", "customer_write", "invoice_read", "payment_intent_write", "event_read",
        "tax_rate_write", "tax_id_write", "coupon_write", "promotion_code_write", "payment_method_write", "setup_intent_write",
    ]  # fmt: skip
    await healthy.sandbox.restrict(key, *(f"rak_{one}" for one in granted))
    invoicing.environment["STRIPE_SECRET_KEY"] = key
    wrong = await examined(invoicing, status=2)
    said = [finding["says"] for finding in wrong["permissions"]]
    assert [text.rpartition(" ")[2] for text in said] == [
        "rak_invoice_write",
        "rak_invoice_write",
        "rak_refund_read",
        "rak_refund_write",
        "rak_credit_note_read",
        "rak_credit_note_write",
        "rak_invoice_payment_read",
        "rak_dispute_read",
        "rak_balance_transaction_read",
    ]
    assert "write invoices" in said[0]
    assert only(wrong, "webhook endpoint", "warn")["says"].endswith("rak_webhook_endpoint_read")


async def test_looking_changes_nothing_at_stripe_and_nothing_here(healthy: Stage, invoicing: Shell) -> None:
    before = await healthy.sandbox.state()
    tables = [await healthy.rows(f"SELECT * FROM {table}") for table in ("invoices", "operations", "webhook_events")]  # noqa: S608
    await invoicing("doctor", status=1)
    assert await healthy.sandbox.state() == before
    again = [await healthy.rows(f"SELECT * FROM {table}") for table in ("invoices", "operations", "webhook_events")]  # noqa: S608
    assert again == tables


async def test_an_endpoint_that_is_missing_disabled_or_too_narrow_is_told(healthy: Stage, invoicing: Shell) -> None:
    (endpoint,) = [
        it
        for it in (await healthy.sandbox.dashboard.get("/v1/webhook_endpoints")).json()["data"]
        if it["url"] == healthy.sandbox.webhook_url
    ]
    path = f"webhook_endpoints/{endpoint['id']}"
    try:
        await healthy.dashboard(path, **{"enabled_events[0]": "invoice.paid", "enabled_events[1]": "invoice.voided"})
        said = only(await examined(invoicing, status=2), "webhook endpoint")["says"]
        assert all(kind in said for kind in set(HANDLERS) - {"invoice.paid", "invoice.voided"})
        assert "invoice.voided" not in said
        await healthy.dashboard(path, disabled="true")
        assert "is disabled" in only(await examined(invoicing, status=2), "webhook endpoint")["says"]
    finally:
        await healthy.dashboard(path, **{"enabled_events[0]": "*", "disabled": "false"})
    invoicing.environment["PUBLIC_BASE_URL"] = "http://elsewhere.example"
    finding = only(await examined(invoicing, status=2), "webhook endpoint")
    assert "invoicing webhooks setup --url http://elsewhere.example/webhooks/stripe" in finding["advice"]


async def test_an_endpoint_in_another_version_and_a_second_one_are_told(healthy: Stage, invoicing: Shell) -> None:
    await healthy.rows("UPDATE webhook_events SET api_version = '2020-08-27'")
    assert "2020-08-27" in only(await examined(invoicing, status=1), "webhook endpoint", "warn")["says"]
    await invoicing("webhooks", "setup", "--url", healthy.sandbox.webhook_url)
    assert "2 enabled endpoints" in only(await examined(invoicing, status=1), "webhook endpoint", "warn")["says"]


async def test_a_signing_secret_that_stripe_does_not_use_is_told(healthy: Stage, invoicing: Shell) -> None:
    invoicing.environment["STRIPE_WEBHOOK_SECRETS"] = "whsec_of_another_endpoint"
    finding = only(await examined(invoicing, status=1), "webhook secret", "warn")
    assert "verified the last delivery, and STRIPE_WEBHOOK_SECRETS holds only whsec:" in finding["says"]
    assert "every delivery is refused" in finding["advice"]


async def test_clocks_that_disagree_and_events_never_delivered_are_told(
    healthy: Stage, invoicing: Shell, clock_ahead: Callable[[float], None]
) -> None:
    clock_ahead(900)  # which also makes the events old enough to be missed; all but one came here
    await healthy.rows("UPDATE webhook_events SET source = 'reconciler' WHERE type = 'invoice.finalized'")
    wrong = await examined(invoicing, status=2)
    for check, whose in (("stripe clock", "Stripe's"), ("database clock", "the database's")):
        finding = only(wrong, check)
        assert finding["says"].startswith(f"{whose} is ")
        assert "behind" in finding["says"]
    assert only(wrong, "deliveries", "warn")["says"].startswith("1 events of the last day were not delivered")
    clock_ahead(10)
    assert only(await examined(invoicing, status=1), "stripe clock", "warn")


async def test_what_waits_is_told(healthy: Stage, invoicing: Shell) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=26)
    await healthy.rows("UPDATE coverage SET complete_until = $1 WHERE name = 'events'", long_ago)
    await healthy.rows(
        "UPDATE webhook_events SET status = 'received', next_attempt_at = now() - interval '1 hour'"
        " WHERE type = 'invoice.created'"
    )
    await healthy.rows(
        "UPDATE webhook_events SET status = 'dead', next_attempt_at = NULL WHERE type = 'customer.created'"
    )
    await healthy.rows(
        "INSERT INTO operations (id, caller, fingerprint, name, params, locked_until, created_at)"
        " VALUES (gen_random_uuid(), 'x', 'x', 'create_invoice', '{}', now(), now() - interval '1 hour')"
    )
    wrong = await examined(invoicing, status=2)
    assert "3 days more" in only(wrong, "coverage")["says"]
    assert "has waited for 3,6" in only(wrong, "inbox")["says"]
    assert [finding["says"].split()[:2] for finding in wrong["backlog"]] == [["1", "events"], ["1", "operations"]]


async def test_a_service_that_never_compared_and_that_nobody_could_call_is_told(stage: Stage, invoicing: Shell) -> None:
    invoicing.environment["API_BOOTSTRAP_KEY"] = ""
    wrong = await examined(invoicing, status=2)
    assert "never compared" in only(wrong, "coverage", "warn")["says"]
    assert only(wrong, "callers")["advice"] == "invoicing keys create"


async def test_secrets_under_another_key_are_told(healthy: Stage, api: Caller, invoicing: Shell) -> None:
    endpoint = await api.post("/v1/webhook-endpoints", {"url": "https://shop.example/hook"})
    assert [finding async for finding in surroundings.check_secrets_key(healthy.container)] == []
    invoicing.environment["SECRETS_KEY"] = "of another time: " + "k" * 32
    assert endpoint["id"] in only(await examined(invoicing, status=1), "secrets key", "warn")["says"]


async def test_reminders_that_nobody_gets_are_named(healthy: Stage, invoicing: Shell, mail: MailServer) -> None:
    invoicing.environment["REMINDERS"] = "7,-3"
    found = only(await examined(invoicing, status=1), "reminders", "warn")
    assert found["says"] == "REMINDERS=-3, 7, but nobody is mailed: there is no SMTP_HOST"
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_FROM": "a@shop.example", "SMTP_SECURITY": "none"}
    invoicing.environment |= smtp | {"SMTP_PORT": str(mail.port), "MAIL_MOMENTS": "fulfilled"}
    assert "MAIL_MOMENTS" in only(await examined(invoicing, status=1), "reminders", "warn")["says"]
    invoicing.environment["MAIL_MOMENTS"] = "reminder"
    assert "reminders" not in await examined(invoicing, status=1)
    invoicing.environment["REMINDERS"] = "-3;0"
    found = await invoicing.json("doctor", status=2)
    assert "REMINDERS must list whole days" in found["findings"][0]["says"]


async def test_mail_identity_provider_and_room_for_connections_are_looked_at(
    healthy: Stage, invoicing: Shell, mail: MailServer, identity_provider: IdentityProvider
) -> None:
    smtp = {"SMTP_HOST": "127.0.0.1", "SMTP_FROM": "shop@example.com", "SMTP_SECURITY": "none"}
    invoicing.environment |= smtp | {"SMTP_PORT": str(mail.port)} | identity_provider.settings
    found = {it["check"]: it for it in (await invoicing.json("doctor", status=1))["findings"]}
    assert found["mail"]["says"] == f"127.0.0.1:{mail.port} lets us in"
    assert found["identity provider"]["says"].startswith(f"{len(identity_provider.signing)} signing keys")
    assert not mail.messages
    closed = find_free_port()
    away = {"SMTP_PORT": str(closed), "OIDC_JWKS_URL": f"http://127.0.0.1:{closed}/keys"}
    invoicing.environment |= away | {"DATABASE_POOL_SIZE": "150"}
    wrong = await examined(invoicing, status=2)
    assert f"127.0.0.1:{closed}" in only(wrong, "mail")["says"]
    assert "cannot be fetched" in only(wrong, "identity provider")["says"]
    assert "may open 308" in only(wrong, "connections")["says"]
    invoicing.environment["STRIPE_PUBLISHABLE_KEY"] = "pk_live_other"
    wrong = await examined(invoicing, status=2)
    assert "of different modes" in only(wrong, "settings")["says"]


async def test_keys_of_other_algorithms_are_of_no_use(
    healthy: Stage, invoicing: Shell, identity_provider: IdentityProvider
) -> None:
    invoicing.environment |= identity_provider.settings | {"OIDC_ALGORITHMS": "PS512", "STRIPE_PUBLISHABLE_KEY": ""}
    wrong = await examined(invoicing, status=2)
    assert "PS512" in only(wrong, "identity provider")["advice"]
    assert only(wrong, "publishable key", "warn")


async def test_a_transaction_that_is_left_open_is_told(
    healthy: Stage, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_checks, "LONG_OPEN_S", 0.0)
    other = await database.connect()
    try:
        async with other.transaction():
            await other.execute("SELECT txid_current()")
            found = [finding async for finding in database_checks.check(healthy.container)]
    finally:
        await other.close()
    told = [finding for finding in found if finding.check == "transactions"]
    assert [finding.level for finding in told] == [Level.WARN]
    assert "idle in transaction" in told[0].says


async def test_a_role_of_the_service_sees_what_others_hold_up(healthy: Stage, database: Database) -> None:
    """PostgreSQL hides from it what others do, and since when."""
    other, asking = await database.connect(), await database.connect()
    role = f"worker_of_{database.name}"
    try:
        await asking.execute(f"CREATE ROLE {role}; SET ROLE {role}")
        async with other.transaction():
            await other.execute("SELECT txid_current()")
            (found, *_) = await server_module.open_transactions(asking, 90.0)
        assert (found.open_s, found.whose.endswith("hidden)")) == (90.0, True)
        assert (await server_module.server(asking)).connected >= 2
        await asking.execute(f"RESET ROLE; DROP ROLE {role}")
    finally:
        await other.close()
        await asking.close()


def server(**changes: Any) -> Server:
    sound: Json = {
        "version": 180000, "version_name": "18.0", "encoding": "UTF8", "timezone": "UTC", "synchronous_commit": "on",
        "fsync": True, "full_page_writes": True, "replica": False, "read_only": False, "connections": 97, "connected": 5,
        "transactions_behind": 1000, "superuser": False, "owned": 0, "clock": datetime.now(UTC),
    }  # fmt: skip
    return Server(**(sound | changes))


@pytest.mark.parametrize(
    ("changes", "level", "says"),
    [
        ({"version": 130010, "version_name": "13.10"}, Level.FAIL, "too old"),
        ({"replica": True, "read_only": True}, Level.FAIL, "standby"),
        ({"read_only": True}, Level.FAIL, "takes no writes"),
        ({"encoding": "SQL_ASCII"}, Level.FAIL, "SQL_ASCII"),
        ({"timezone": "Europe/Berlin"}, Level.WARN, "Europe/Berlin"),
        ({"synchronous_commit": "off"}, Level.FAIL, "synchronous_commit"),
        ({"fsync": False}, Level.FAIL, "fsync"),
        ({"superuser": True, "owned": 20}, Level.WARN, "superuser"),
        ({"owned": 3}, Level.WARN, "owns 3 tables"),
    ],
)
def test_a_server_that_is_not_safe_in_production_is_told(changes: Json, level: Level, says: str) -> None:
    assert not list(database_checks._safety(server(), production=True))
    (finding,) = database_checks._safety(server(**changes), production=True)
    assert (finding.level, says in finding.says) == (level, True)


async def test_transaction_ids_that_run_out_are_told(healthy: Stage) -> None:
    async with healthy.container.database.connection() as connection:
        for behind, level in ((10, Level.OK), (600_000_000, Level.WARN), (1_600_000_000, Level.FAIL)):
            (finding, *_) = await database_checks._transactions(connection, server(transactions_behind=behind), 0.0)
            assert finding.level is level


def test_a_crowded_server_is_told() -> None:
    settings = Settings(
        _env_file=None, database_url="postgresql://x/y", stripe_secret_key="sk_test_x", stripe_webhook_secrets="whsec_x"
    )
    assert database_checks._room(server(connected=90), settings).level is Level.WARN


@pytest.mark.parametrize(("seconds", "level"), [(0.5, Level.OK), (-2, Level.WARN), (61, Level.FAIL)])
def test_clocks_are_judged_by_how_far_they_are_apart(seconds: float, level: Level) -> None:
    assert skewed("clock", timedelta(seconds=seconds), "that", precise=True).level is level


async def test_its_json_is_one_document_on_standard_output(invoicing: Shell) -> None:
    invoicing.environment["WORKERS"] = "none"
    done = await invoicing("doctor", "--json", status=2)
    assert json.loads(done.stdout)["status"] == "fail"
    assert not done.stderr


async def test_more_connections_than_files_a_process_may_open(healthy: Stage, invoicing: Shell) -> None:
    invoicing.environment["STREAM_LIMIT"] = str(2 * 10**9)  # no system lets a process open as many
    found = only(await examined(invoicing, status=1), "open files", "warn")
    assert int(found["says"].rpartition(" ")[2]) > 2 * 10**9 + MOST + RESERVED
    assert "STREAM_LIMIT" in found["advice"]
