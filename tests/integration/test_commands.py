"""Every command, as a shell runs it: what it prints for programs, how it ends, and what it says to what is wrong."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.access.schemas import ApiKeyRead, AuditEntryRead
from app.customers.schemas import CustomerRead
from app.db import migrations, partitions
from app.fulfillment.schemas import FulfillmentActionRead, FulfillmentRead
from app.inbox.schemas import StripeEventListed, StripeEventRead
from app.invoices.read_schemas import InvoiceListed, InvoiceRead
from app.version import VERSION
from tests.fixtures.caller import Caller
from tests.fixtures.ports import find_free_port
from tests.fixtures.postgres import Database, PrivatePostgres
from tests.fixtures.sandbox import PROJECT, Sandbox
from tests.fixtures.shell import Shell
from tests.fixtures.stage import Stage

pytestmark = pytest.mark.timeout(300)

Json = dict[str, Any]


@pytest.fixture
async def busy(stage: Stage, api: Caller) -> Json:
    """A service with something of everything; the ids of it."""
    customer = await api.customer(email="jenny@example.com")
    paid = await api.paid(customer=customer["id"])
    opened = await api.open(customer=customer["id"], reference="order-7")
    await api.post("/v1/api-keys", {"name": "shop", "scopes": ["invoices:read"]})
    await stage.tell(*await stage.events())
    event = await stage.event("invoice.finalized")
    await stage.rows(
        "INSERT INTO operations (id, caller, fingerprint, name, params, locked_until, created_at)"
        " VALUES (gen_random_uuid(), 'somebody', 'x', 'create_invoice', '{}', now(), now() - interval '1 hour')"
    )
    await stage.rows(
        "INSERT INTO fulfillment_actions (id, fulfillment, invoice, action, moment, status, attempts, reason,"
        " next_attempt_at, finished_at) SELECT 'act_of_a_test', id, invoice, 'email', 'fulfilled', 'dead', 14,"
        " 'It was refused.', NULL, now() FROM fulfillments WHERE invoice = $1",
        paid["id"],
    )
    return {"customer": customer["id"], "paid": paid["id"], "open": opened["id"], "event": event["id"]}


LISTS: list[tuple[str, list[str], type | None, int]] = [
    ("invoices", [], InvoiceListed, 2),
    ("invoices", ["--status", "open"], InvoiceListed, 1),
    ("invoices", ["--reference", "order-7"], InvoiceListed, 1),
    ("invoices", ["--overdue"], InvoiceListed, 0),
    ("invoices", ["--where", "status=open", "--where", "status=void", "--where", "sort=due_at"], InvoiceListed, 1),
    ("fulfillments", ["--status", "fulfilled"], FulfillmentRead, 1),
    ("customers", ["--email", "jenny@example.com"], CustomerRead, 1),
    ("events", ["--type", "invoice.finalized"], StripeEventListed, 2),
    ("events", ["--status", "dead"], StripeEventListed, 0),
    ("operations", ["--in-flight"], None, 1),
    ("operations", ["--stuck", "--caller", "somebody"], None, 1),
    ("operations", ["--caller", "bootstrap"], None, 5),
    ("audit", ["--actor", "bootstrap"], AuditEntryRead, 5),
    ("actions", ["--status", "dead"], FulfillmentActionRead, 1),
    ("keys", [], ApiKeyRead, 1),
    ("endpoints", [], None, 0),
    ("deliveries", ["--status", "dead"], None, 0),
]


async def test_lists_are_the_apis_own_documents(busy: Json, invoicing: Shell) -> None:
    ran = await invoicing.each([(group, "list", *options, "--json") for group, options, _, _ in LISTS])
    for (group, options, schema, count), done in zip(LISTS, ran, strict=True):
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert set(found) == {"data", "has_more", "next_cursor"}
        assert len(found["data"]) == count, (group, options)
        for document in found["data"]:
            assert schema is None or schema.model_validate(document)  # type: ignore[attr-defined]


async def test_lists_are_columns_for_a_person(busy: Json, invoicing: Shell) -> None:
    head, row = (await invoicing("invoices", "list", "--status", "open")).stdout.splitlines()
    assert head.split() == [
        "id",
        "number",
        "status",
        "customer",
        "currency",
        "total",
        "amount",
        "remaining",
        "due",
        "at",
        "created",
        "at",
    ]
    assert row.split()[0] == busy["open"]
    assert head.index("status") == row.index("open")
    assert (await invoicing("operations", "list", "--stuck")).stdout.splitlines()[1].split()[1] == "create_invoice"


async def test_a_list_goes_on_where_its_page_ended(busy: Json, invoicing: Shell) -> None:
    first = await invoicing.json("events", "list", "--limit", "3")
    assert first["has_more"]
    second = await invoicing.json("events", "list", "--limit", "3", "--cursor", first["next_cursor"])
    seen = [event["id"] for event in first["data"] + second["data"]]
    assert len(set(seen)) == 6
    told = await invoicing("operations", "list", "--limit", "1")
    cursor = told.stderr.split("--cursor ")[1].strip()
    assert (await invoicing("operations", "list", "--limit", "1", "--cursor", cursor)).stdout != told.stdout


async def test_single_objects_are_the_apis_own_documents(busy: Json, invoicing: Shell) -> None:
    shown: list[tuple[str, str, type]] = [
        ("invoices", busy["open"], InvoiceRead),
        ("fulfillments", busy["paid"], FulfillmentRead),
        ("events", busy["event"], StripeEventRead),
        ("customers", busy["customer"], CustomerRead),
    ]
    commands = [(group, "show", object_id, "--json") for group, object_id, _ in shown]
    *ran, person = await invoicing.each([*commands, ("invoices", "show", busy["open"])])
    for (_, _, schema), done in zip(shown, ran, strict=True):
        assert schema.model_validate_json(done.stdout)  # type: ignore[attr-defined]
    told = person.stdout
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("reference")] == ["order-7"]


async def test_the_timeline_says_why_an_invoice_is_unpaid(busy: Json, invoicing: Shell, api: Caller) -> None:
    shown = await api.get(f"/v1/invoices/{busy['open']}/timeline")
    assert await invoicing.json("invoices", "timeline", busy["open"]) == shown
    told = (await invoicing("invoices", "timeline", busy["open"])).stdout
    assert shown["unpaid_because"] in told
    assert "invoice.finalized" in told


MISSING = [
    ("invoices", "show", "in_nobody"),
    ("invoices", "timeline", "in_nobody"),
    ("fulfillments", "show", "in_nobody"),
    ("events", "show", "evt_nobody"),
    ("customers", "show", "cus_nobody"),
    ("keys", "revoke", "ik_test_nobody"),
    ("events", "replay", "evt_nobody"),
    ("actions", "retry", "act_nobody"),
    ("deliveries", "redeliver", "dlv_nobody"),
]


async def test_what_does_not_exist_is_an_error_for_programs_and_people(stage: Stage, invoicing: Shell) -> None:
    ran = await invoicing.each([(*words, "--json") for words in MISSING])
    for words, done in zip(MISSING, ran, strict=True):
        assert done.returncode == 1, words
        assert json.loads(done.stderr)["code"] == "not_found", words
        assert not done.stdout
    assert "There is no invoice 'in_nobody'." in (await invoicing(*MISSING[0], status=1)).stderr


WRONG = [
    ("invoices", "show"),
    ("invoices", "list", "--limit", "0"),
    ("invoices", "list", "--limit", "many"),
    ("events", "list", "--nonsense"),
    ("events", "replay"),
    ("events", "replay", "--type", "invoice.paid", "--since", "yesterday"),
    ("actions", "retry"),
    ("deliveries", "redeliver"),
    ("deliveries", "redeliver", "--endpoint", "we_x"),
    ("keys", "create", "--name", "x", "--scope", "everything"),
    ("keys", "create", "--name", "", "--scope", "console:read"),
    ("keys", "create", "--name", "x", "--scope", "console:read", "--expires-in-days", "1e9"),
    ("keys", "rotate", "key_1", "--overlap-s", "1000000000000000"),
    ("invoices", "list", "--status", "payed"),
    ("invoices", "list", "--where", "sort=total"),
    ("invoices", "export", "--where", "q=!"),
    ("invoices", "export", "--where", "statuss=open"),
    ("invoices", "list", "--where", "limit=5"),
    ("reconcile", "--since", "9999-12-31"),
    ("webhooks", "setup", "--url", "https://x.example/hook"),
    ("fulfillments", "list", "--status", "done"),
    ("events", "list", "--status", "lost"),
    ("events", "replay", "--status", "lost"),
    ("actions", "retry", "--status", "lost"),
    ("endpoints", "list", "--status", "gone"),
    ("deliveries", "list", "--status", "lost"),
    ("nonsense",),
]


async def test_what_is_called_wrongly_is_told_and_nothing_is_tried(invoicing: Shell) -> None:
    invoicing.environment["DATABASE_URL"] = f"postgresql://127.0.0.1:{find_free_port()}/none"
    for words, done in zip(WRONG, await invoicing.each(WRONG), strict=True):
        assert done.returncode == 2, words
        assert done.stderr, words
        assert "Traceback" not in done.stderr
        assert not done.stdout


async def test_a_cursor_that_is_none_is_refused_by_name(stage: Stage, invoicing: Shell) -> None:
    done = await invoicing("invoices", "list", "--cursor", "nonsense", "--json", status=1)
    assert json.loads(done.stderr)["param"] == "cursor"


async def test_a_file_that_cannot_be_written_is_named(stage: Stage, invoicing: Shell) -> None:
    for words in (("invoices", "export"), ("openapi",)):
        done = await invoicing(*words, "--output", "nowhere/written", status=2)
        assert done.stderr == "nowhere/written: No such file or directory\n"


async def test_what_is_away_has_an_exit_status_of_its_own(sandbox: Sandbox, invoicing: Shell) -> None:
    away = f"127.0.0.1:{find_free_port()}"
    invoicing.environment["DATABASE_URL"] = f"postgresql://{away}/none"
    for words in (("invoices", "list"), ("keys", "list"), ("events", "replay", "--all"), ("sweep-erased",)):
        done = await invoicing(*words, "--json", status=3)
        told = json.loads(done.stderr)
        assert (told["code"], "Connect call failed" in told["detail"]) == ("database_unavailable", True), words
    done = await invoicing("migrate", "--wait-s", "0", status=3)
    assert done.stderr.startswith("The database could not be reached for 0 s: ")


async def test_who_never_asks_stripe_needs_no_key(invoicing: Shell) -> None:
    for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"):
        invoicing.environment.pop(name)
    url = invoicing.environment["DATABASE_URL"]
    invoicing.environment["DATABASE_URL"] = f"{url}{'&' if '?' in url else '?'}sslmode=prefer"
    assert (await invoicing("migrate", status=0)).stdout == "The schema is at head.\n"
    await invoicing("invoices", "list", status=0)
    assert "STRIPE_SECRET_KEY must be set" in (await invoicing("reconcile", status=2)).stderr


@pytest.fixture(params=["user", "password", "name", "option", "tables"])
async def mistaken(
    request: pytest.FixtureRequest,
    database: Database,
    empty_database: Database,
    postgres_server: Callable[[], PrivatePostgres],
) -> tuple[str, str]:
    """A DATABASE_URL with one of the commonest mistakes, and what is said of it."""
    place, _, more = database.url.partition("?")
    match request.param:
        case "user":
            return _as_user(database.url, "nobody_here"), "The database refuses the user or the password"
        case "password":
            server = postgres_server()
            connection = await asyncpg.connect(server.url)
            await connection.execute("CREATE ROLE somebody LOGIN PASSWORD 'right'")
            (server._server.data / "pg_hba.conf").write_text(
                "local all all scram-sha-256\nhost all all all scram-sha-256\n"
            )
            await connection.execute("SELECT pg_reload_conf()")
            await connection.close()
            return _as_user(server.url, "somebody:wrong"), "The database refuses the user or the password"
        case "name":
            renamed = place.replace(database.name, "nothing_here") + (f"?{more}" if more else "")
            return renamed, "The server has no database of this name"
        case "option":
            return f"{place}?{more}{'&' * bool(more)}pool_size=3", "The database does not know a part of DATABASE_URL"
    return empty_database.url, "The database lacks tables of this release"


def _as_user(url: str, user: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()


async def test_a_mistake_with_the_database_is_told_in_one_line_that_says_what_to_do(
    sandbox: Sandbox, invoicing: Shell, mistaken: tuple[str, str], request: pytest.FixtureRequest
) -> None:
    invoicing.environment["DATABASE_URL"], says = mistaken
    unmigrated = "tables" in request.node.name
    commands = [("invoices", "list"), ("sweep-erased",), ("reconcile",), *([] if unmigrated else [("migrate",)])]
    for done in await invoicing.each(commands):
        (line,) = done.stderr.splitlines()
        assert line.startswith(says)
        assert "DATABASE_URL" in line or "invoicing migrate" in line
        assert done.returncode == 2
    told = json.loads((await invoicing("invoices", "list", "--json", status=2)).stderr)
    assert (told["code"], told["detail"].startswith(says)) == ("database_unavailable", True)
    doctor = await invoicing("doctor", status=2)
    assert "Traceback" not in doctor.stdout + doctor.stderr
    (failed,) = [line for line in doctor.stdout.splitlines() if line.startswith("FAIL") and "database" in line]
    assert ("the database has no tables" if unmigrated else says) in failed


async def test_a_user_who_may_not_migrate_is_told_so_in_one_line(
    sandbox: Sandbox, invoicing: Shell, database: Database, empty_database: Database
) -> None:
    role = f"mere_{empty_database.name}"
    connection = await empty_database.connect()
    await connection.execute(f"CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    try:
        for url, says in (
            (empty_database.url, "permission denied for schema public"),
            (database.url, "permission denied for table alembic_version"),
        ):
            invoicing.environment["DATABASE_URL"] = _as_user(url, role)
            assert (await invoicing("migrate", status=2)).stderr.splitlines() == [
                f"The user of DATABASE_URL may not do this ({says}): see the roles in docs/operations.md."
            ]
    finally:
        await connection.execute(f"DROP ROLE {role}")
        await connection.close()


@pytest.mark.parametrize(("revision", "read"), [("9be4d26f01a7", "products"), ("7d2e90b4c1f6", "api_keys")])
async def test_a_migration_that_another_transaction_stops_says_so_in_one_line_and_goes_on_later(
    sandbox: Sandbox, invoicing: Shell, empty_database: Database, revision: str, read: str
) -> None:
    """A dump of the database is such a transaction: a column waits for its lock, an index for its snapshot."""
    invoicing.environment["DATABASE_URL"] = empty_database.url
    await invoicing("migrate", revision, status=0)
    connection = await empty_database.connect()
    async with connection.transaction(isolation="repeatable_read"):
        await connection.execute(f"SELECT FROM {read}")
        (line,) = (await invoicing("migrate", status=3)).stderr.splitlines()
        assert line.startswith("The database stopped the migration (canceling statement due to lock timeout).")
    await invoicing("migrate", status=0)
    await connection.close()


async def test_partitions_that_another_transaction_stops_are_made_later_and_no_revision_is_gone_back_to(
    sandbox: Sandbox, invoicing: Shell, database: Database
) -> None:
    connection = await database.connect()
    for one in await partitions.listed(connection):
        if one.until:
            await connection.execute(f"DROP TABLE {one.name}")
    async with connection.transaction():
        await connection.execute("LOCK webhook_events_default IN ACCESS SHARE MODE")
        (line,) = (await invoicing("migrate", status=3)).stderr.splitlines()
        assert line.startswith("The database stopped the migration (canceling statement due to lock timeout).")
    await invoicing("migrate", status=0)
    assert len(await partitions.listed(connection)) > 1
    assert (await invoicing("migrate", "9be4d26f01a7")).stdout == f"The schema is at {migrations.head()}.\n"
    await connection.close()


async def test_a_worker_without_tables_says_what_makes_them(
    sandbox: Sandbox, invoicing: Shell, empty_database: Database
) -> None:
    invoicing.environment |= {"DATABASE_URL": empty_database.url, "LOG_LEVEL": "error"}
    done = await invoicing("worker", status=2)
    told = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # beside the log
    assert told == ["The database lacks tables of this release: run `invoicing migrate`."]


async def test_settings_that_are_wrong_are_named_each_once(invoicing: Shell) -> None:
    invoicing.environment |= {"DATABASE_URL": "mysql://db/x", "WORKERS": "none", "STRIPE_SECRET_KEY": ""}
    assert (await invoicing("reconcile", status=2)).stderr.splitlines() == [
        "DATABASE_URL must be postgresql://user:password@host:5432/name",
        "WORKERS: Input should be a valid integer, unable to parse string as an integer",
        "STRIPE_SECRET_KEY must be set; .env.example says to what",
    ]


@pytest.mark.parametrize(("command", "name"), [("serve", "PORT"), ("console", "CONSOLE_PORT")])
async def test_a_port_that_is_taken_is_named_with_its_setting(invoicing: Shell, command: str, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        invoicing.environment[name] = str(port)
        said = (await invoicing(command, status=2)).stderr
    assert said.startswith(f"Cannot listen on 127.0.0.1, port {port} ({name.replace('PORT', 'HOST')}, {name}): ")


async def test_the_demo_says_where_nobody_or_somebody_else_answers(sandbox: Sandbox, invoicing: Shell) -> None:
    nobody = f"http://127.0.0.1:{find_free_port()}"
    assert f"The main job failed: {nobody}: " in (await invoicing("demo", "--url", nobody, status=1)).stderr
    no_api = await invoicing("demo", "--url", f"{sandbox.url}/docs", status=1)
    assert f"The main job failed: POST {sandbox.url}/docs/v1/products: 404 without JSON" in no_api.stderr


async def test_the_demo_leaves_a_live_account_alone(invoicing: Shell) -> None:
    invoicing.environment |= {
        "STRIPE_SECRET_KEY": "sk_live_0123456789",
        "STRIPE_WEBHOOK_SECRETS": "whsec_0123456789abcdef",
        "PUBLIC_BASE_URL": "https://pay.example",
        "API_BOOTSTRAP_KEY": f"ik_live_{'b' * 32}",
        **dict.fromkeys(("LINK_SIGNING_KEY", "SECRETS_KEY"), "k" * 32),
    }
    for name in ("STRIPE_API_BASE", "STRIPE_PUBLISHABLE_KEY"):
        invoicing.environment.pop(name)
    assert "your live account" in (await invoicing("demo", status=2)).stderr


async def test_stripe_out_of_reach_has_it_too(stage: Stage, invoicing: Shell) -> None:
    invoicing.environment |= {"STRIPE_API_BASE": f"http://127.0.0.1:{find_free_port()}", "STRIPE_MAX_RETRIES": "0"}
    done = await invoicing("repair", "--json", status=3)
    assert json.loads(done.stderr)["code"] == "stripe_unavailable"


async def test_what_changes_something_says_what_in_json(busy: Json, stage: Stage, invoicing: Shell) -> None:
    commands = [
        ("events", "replay", busy["event"]),
        ("reconcile",),
        ("repair",),
        ("rebuild", "--verify"),
        ("actions", "retry", "act_of_a_test"),
        ("sweep-erased",),
        ("documents", "rebuild"),
    ]
    ran = await invoicing.each([(*words, "--json") for words in commands])
    replayed, reconciled, repaired, rebuilt, retried, swept, made = [json.loads(done.stdout) for done in ran]
    assert replayed == {"matched": 1, "replayed": 1, "failed": 0}
    assert set(reconciled) == {"since", "compared", "missed", "repaired", "complete_until"}
    assert repaired == {"repaired": []}
    assert rebuilt["differences"] == []
    assert retried == {"retried": ["act_of_a_test"]}
    assert made == {"filled": 0, "derived": 0, "fetched": 0}
    done = await invoicing("documents", "rebuild")
    assert done.stdout.startswith("0 documents made: 0 of columns")
    assert swept["changed"] == 0
    assert await invoicing.json("migrate") == {"schema": "head"}
    made = await invoicing.json("keys", "create", "--name", "x", "--scope", "console:read")
    assert made["key"].startswith(made["prefix"])
    rotated = await invoicing.json("keys", "rotate", made["id"], "--overlap-s", "0")
    assert rotated["key"] != made["key"]
    revoked = await invoicing.json("keys", "revoke", rotated["prefix"])
    assert (revoked["status"], "key" in revoked) == ("revoked", False)
    endpoint = await invoicing.json("webhooks", "setup", "--url", "https://x.example/webhooks/stripe")
    assert endpoint["outcome"] == "created"
    assert (await invoicing.json("webhooks", "secrets"))["data"][0]["advice"] == "in use"


async def test_what_a_command_did_is_in_the_audit_log(busy: Json, stage: Stage, invoicing: Shell) -> None:
    await invoicing("events", "replay", busy["event"])
    found = await invoicing.json("audit", "list", "--subject", busy["event"])
    assert [(entry["actor"].partition(":")[0], entry["action"]) for entry in found["data"]] == [("cli", "replay_event")]


async def test_the_only_key_is_not_the_one_that_an_empty_variable_names(stage: Stage, invoicing: Shell) -> None:
    made = await invoicing.json("keys", "create", "--name", "x", "--scope", "console:read")
    await invoicing("keys", "revoke", "", status=1)
    assert [(key["id"], key["status"]) for key in (await invoicing.json("keys", "list"))["data"]] == [
        (made["id"], "active")
    ]


async def test_many_events_replayed_are_one_entry_of_the_audit_log(busy: Json, stage: Stage, invoicing: Shell) -> None:
    done = await invoicing.json("events", "replay", "--type", "product.created", "--since", "2020-01-01")
    again = await invoicing.json("events", "replay", "--all")
    found = (await invoicing.json("audit", "list"))["data"]
    entries = [entry for entry in found if entry["action"] == "replay_event" and entry["subject"] is None]
    assert again["replayed"] > 1
    assert entries[0]["detail"].startswith(f"{again['replayed']} events that Stripe made from 20")
    assert entries[0]["detail"].endswith("asked for: all")
    if done["replayed"] > 1:
        assert entries[1]["detail"].endswith("asked for: type product.created, since 2020-01-01T00:00:00Z")


async def test_an_erased_customer_is_asked_about_first(busy: Json, stage: Stage, invoicing: Shell) -> None:
    assert "no way back" in (await invoicing("customers", "erase", busy["customer"], status=1)).stderr
    assert (await invoicing.json("customers", "show", busy["customer"]))["email"]
    assert (await invoicing.json("customers", "erase", busy["customer"], "--yes"))["deleted"]
    row = await stage.row("customers", busy["customer"])
    assert row is not None
    assert row["email"] is None


async def test_deliveries_to_others_are_listed_and_made_again(
    busy: Json, stage: Stage, api: Caller, invoicing: Shell
) -> None:
    await stage.rows(
        "INSERT INTO webhook_endpoints (id, url, types, ordered, secrets, position, change)"
        " VALUES ('we_of_a_test', 'https://hear.example/', '{}', false, '[]', 0, 0)"
    )
    await stage.rows(
        "INSERT INTO deliveries (id, endpoint, event, type, in_order, status, attempts, next_attempt_at)"
        " SELECT 'dlv_' || n, 'we_of_a_test', 'evt_' || n, 'invoice.paid', false, 'dead', 9, NULL FROM generate_series(1, 3) n"
    )
    assert [it["id"] for it in (await invoicing.json("endpoints", "list"))["data"]] == ["we_of_a_test"]
    assert len((await invoicing.json("deliveries", "list", "--endpoint", "we_of_a_test"))["data"]) == 3
    assert (await invoicing.json("deliveries", "redeliver", "dlv_1"))["id"] == "dlv_1"
    many = ("deliveries", "redeliver", "--endpoint", "we_of_a_test", "--since", "2020-01-01")
    assert "2 deliveries will be made again." in (await invoicing(*many)).stdout
    waiting = await stage.rows("SELECT id FROM deliveries WHERE status = 'pending'")
    assert len(waiting) == 3


def test_long_work_shows_a_bar_where_a_person_looks_and_only_there(tmp_path: Path) -> None:
    script = "from app.cli.runner import progress\nwith progress('replayed') as advance: advance(3, 7)"
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", "COLUMNS": "80"}
    piped = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert piped.stdout + piped.stderr == ""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
        os.close(theirs)
        shown = terminal.read(4096).decode()
    assert "replayed" in shown
    assert "3/7" in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_its_words(shell: str, tmp_path: Path) -> None:
    variables = {
        "bash": {"COMP_WORDS": "invoicing inv", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "invoicing inv"},
        "fish": {"_TYPER_COMPLETE_ARGS": "invoicing inv", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "_INVOICING_COMPLETE": f"complete_{shell}", **variables}
    script = "import sys; sys.argv = ['invoicing']; from app.cli.main import cli; cli(prog_name='invoicing')"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "invoices" in done.stdout, done.stderr


def test_every_command_and_option_says_what_it_is_for() -> None:
    from typer.main import get_command  # noqa: PLC0415

    from app.cli.main import cli  # noqa: PLC0415

    waiting: list[tuple[str, Any]] = [("invoicing", get_command(cli))]
    while waiting:
        name, command = waiting.pop()
        command = getattr(command, "loaded", command)  # a command's module is imported when it is used
        assert command.help, name
        waiting += [(f"{name} {word}", it) for word, it in getattr(command, "commands", {}).items()]


async def test_the_version(invoicing: Shell) -> None:
    assert (await invoicing("--version")).stdout == f"{VERSION}\n"


async def test_settings_are_checked_without_asking_anybody(invoicing: Shell) -> None:
    invoicing.environment["DATABASE_URL"] = invoicing.environment["STRIPE_API_BASE"].replace("http", "postgresql")
    assert "complete and safe" in (await invoicing("check")).stdout
    assert await invoicing.json("check") == {"problems": [], "warnings": []}


async def test_check_names_each_wrong_setting_and_the_name_that_is_meant(invoicing: Shell, tmp_path: Path) -> None:
    secret = invoicing.environment.pop("STRIPE_WEBHOOK_SECRETS")
    (tmp_path / ".env").write_text(f"STRIPE_WEBHOOK_SECRET={secret}\n")
    invoicing.environment["PORT"] = "many"
    told = (await invoicing("check", status=2)).stderr.splitlines()
    assert [line.partition(" ")[0] for line in told] == ["PORT:", "STRIPE_WEBHOOK_SECRETS", "STRIPE_WEBHOOK_SECRET"]
    assert told[-1].endswith("is STRIPE_WEBHOOK_SECRETS meant?")
    assert told == (await invoicing("serve", status=2)).stderr.splitlines()


async def test_a_file_of_settings_that_is_no_text(invoicing: Shell, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff")
    for command in ("check", "migrate"):
        done = await invoicing(command, status=2)
        assert done.stderr.startswith("`.env` cannot be read: ")
        assert len(done.stderr.splitlines()) == 1
