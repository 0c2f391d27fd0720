"""The service under the roles of deploy/postgres/roles.sql: everything works, and nobody may do more than they do."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.background import jobs
from app.container import built
from app.db import migrations, partitions, roles, server
from app.db.partitions import Partition
from app.jobs.housekeeper import Housekeeper
from app.retention import make_partitions
from app.settings import Settings
from dev.postgres import FOR_TESTS, PostgresServer, bundled
from tests.e2e.test_lifecycle import *  # noqa: F403 -- the same tests, with another service under them
from tests.fixtures.postgres_keeper import PLACEHOLDERS
from tests.fixtures.sandbox import PROJECT, Sandbox
from tests.fixtures.service import Service, service_environment
from tests.fixtures.statements import core, texts
from tests.fixtures.warm import run_warm

pytestmark = pytest.mark.e2e

FOLDER = PROJECT / "deploy" / "postgres"
OWNER, INBOX, API, WORKER = "invoicing_owner", "invoicing_inbox", "invoicing_api", "invoicing_worker"
PASSWORDS = {f"DATABASE_{name}_PASSWORD": f"of the {name}'s" for name in ("OWNER", "API", "WORKER")}
NAME = "invoicing"


def run_sql(url: str, *files: str) -> None:
    command = [str(bundled("psql")), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url]
    arguments = [part for file in files for part in ("-f", str(FOLDER / file))]
    done = subprocess.run(
        [*command, *arguments], env={**os.environ, **PASSWORDS}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def migrate(url: str) -> None:
    settings = {**PLACEHOLDERS, "DATABASE_URL": url, "PYTHONPATH": str(PROJECT)}
    done = run_warm("migrate", env={**os.environ, **settings}, cwd=PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr


class Cluster:
    """A server of its own: roles are a whole cluster's."""

    def __init__(self, folder: Path) -> None:
        self._server = PostgresServer(folder / "postgres", options=FOR_TESTS)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()
        self._server.clean_up()

    def url(self, role: str = "postgres", database: str = NAME) -> str:
        return self._server.url(database).replace("//postgres@", f"//{role}@")

    def create(self, database: str) -> None:
        self._server.create_database(database)

    async def connect(self, role: str = "postgres", database: str = NAME) -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(self.url(role, database))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A database as docs/contributing/security.md tells to make it: roles, then the migration by the owner."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.create(NAME)
    run_sql(made.url(), "roles.sql", "passwords.sql")
    migrate(made.url(OWNER))
    yield made
    made.stop()


@pytest.fixture(scope="module")
async def lasting_service(  # it takes the place of the one whose role owns everything
    cluster: Cluster, running_sandbox: Sandbox, api_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    service = Service(service_environment("", running_sandbox, api_port, folder), folder)
    try:
        for name, role in (("api", API), ("worker", WORKER)):
            service.environment["DATABASE_URL"] = cluster.url(role)
            service.start(name)
        await service.ready()
        yield service
        for name in ("api", "worker"):
            assert "permission denied" not in service.logs(name)
            assert "InsufficientPrivilege" not in service.logs(name)
    finally:
        await service.close()


async def test_the_worker_keeps_house_the_inboxs_partitions_included(cluster: Cluster, settings: Settings) -> None:
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    old = Partition(
        f"webhook_events_{now - timedelta(days=90):%Y%m%d}", now - timedelta(days=90), now - timedelta(days=89)
    )
    owner = await cluster.connect(OWNER)
    async with owner.transaction():
        await partitions.create(owner, old)
    await owner.execute("UPDATE invoices SET livemode = true")  # others have emptied the sandbox: it does not know them
    told = settings.model_copy(
        update={
            "database_url": SecretStr(cluster.url(WORKER)),
            "inbox_retention_days": 35,
            "feed_retention_days": 35,
        }
    )
    async with built(told) as container:
        (keeper,) = [job for job in jobs(container) if isinstance(job, Housekeeper)]
        done = {task.name: await task.work() for task in keeper._tasks}
        made = await make_partitions(container.database, None, now + timedelta(days=100))
        rebuilt = await container.rebuilder().rebuild()  # in temporary tables
    assert [one for one in rebuilt.failed if "NotAtStripe" not in one] == []  # others have emptied the sandbox since
    kept = done["keep_partitions"]
    assert isinstance(kept, dict)
    assert kept["dropped"] == [old.name]
    assert {one.name for one in await partitions.listed(owner)} >= {*kept["made"], *made} > set()
    owners = await owner.fetch(
        "SELECT DISTINCT pg_get_userbyid(relowner) AS role FROM pg_class WHERE relname LIKE 'webhook_events%'"
    )
    assert [row["role"] for row in owners] == [INBOX]
    await owner.close()


async def test_of_two_that_grant_rights_at_once_one_waits_for_the_other(cluster: Cluster) -> None:
    both = [await cluster.connect(OWNER) for _ in range(2)]

    async def grant(owner: asyncpg.Connection[asyncpg.Record]) -> None:
        async with owner.transaction():
            await roles.grant(owner)
        await owner.close()

    await asyncio.gather(*map(grant, both))


DESTRUCTIVE = ("DROP TABLE {}", "TRUNCATE {} CASCADE", "ALTER TABLE {} ADD COLUMN x int", "CREATE INDEX ON {} ((1))")
REFUSED = (
    "CREATE TABLE x ()",
    "ALTER TABLE audit_log DISABLE TRIGGER ALL",
    "UPDATE audit_log SET actor = 'nobody'",
    "DELETE FROM audit_log",
    "DELETE FROM invoices",
    "DELETE FROM fulfillments",
    "DELETE FROM webhook_events",
    "DROP TABLE webhook_events_default",
    "UPDATE alembic_version SET version_num = 'x'",
    "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET ROLE invoicing_owner",
)


@pytest.mark.parametrize("role", [API, WORKER])
async def test_who_serves_can_neither_drop_nor_alter_nor_empty_a_table(cluster: Cluster, role: str) -> None:
    connection = await cluster.connect(role)
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    assert len(tables) > 20
    attempts = [act.format(row["relname"]) for row in tables for act in DESTRUCTIVE] + list(REFUSED)
    for statement in [*attempts, *(["SET ROLE invoicing_inbox"] if role == API else [])]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    assert (await server.server(connection)).owned == 0
    await connection.close()


async def test_roles_given_to_a_database_that_one_role_owned_take_it_over_and_may_be_given_again(
    cluster: Cluster,
) -> None:
    cluster.create("adopted")
    migrate(cluster.url(database="adopted"))  # by its superuser, who then owns everything
    for _ in range(2):
        run_sql(cluster.url(database="adopted"), "roles.sql")
        migrate(cluster.url(OWNER, "adopted"))
    states = []
    for database in (NAME, "adopted"):
        connection = await cluster.connect(database=database)
        rows = await connection.fetch(
            "SELECT relname, pg_get_userbyid(relowner) AS owner, relacl::text[] AS rights FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND relname !~ '^webhook_events_[0-9]' ORDER BY relname"
        )
        states.append({row["relname"]: (row["owner"], sorted(row["rights"] or [])) for row in rows})
        functions = "SELECT proname, pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert {owner for _, owner in await connection.fetch(functions)} == {OWNER}  # who migrates next may drop them
        await connection.close()
    assert {owner for owner, _ in states[0].values()} == {OWNER, INBOX}
    assert {name: owner for name, (owner, _) in states[1].items()} == {
        name: owner for name, (owner, _) in states[0].items()
    }
    for name in states[0]:
        granted = [[right for right in state[name][1] if right.startswith((API, WORKER))] for state in states]
        assert granted[0] == granted[1], name


async def test_a_release_before_leaves_the_rights_that_a_later_one_granted(cluster: Cluster) -> None:
    cluster.create("ahead")
    run_sql(cluster.url(database="ahead"), "roles.sql")
    migrate(cluster.url(OWNER, "ahead"))
    connection = await cluster.connect(OWNER, "ahead")
    await connection.execute("GRANT DELETE ON invoices TO invoicing_api")
    await connection.execute("UPDATE alembic_version SET version_num = 'of_the_future'")
    migrate(cluster.url(OWNER, "ahead"))
    assert await connection.fetchval("SELECT has_table_privilege('invoicing_api', 'invoices', 'DELETE')")
    await connection.execute("UPDATE alembic_version SET version_num = $1", migrations.head())
    migrate(cluster.url(OWNER, "ahead"))
    assert not await connection.fetchval("SELECT has_table_privilege('invoicing_api', 'invoices', 'DELETE')")
    await connection.close()


async def test_passwords_are_taken_from_the_environment(cluster: Cluster) -> None:
    connection = await cluster.connect()
    kept = await connection.fetch("SELECT rolname FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%' ORDER BY 1")
    await connection.close()
    assert [row["rolname"] for row in kept] == [API, OWNER, WORKER]


async def test_a_pooler_passes_on_no_settings_so_the_roles_have_them(cluster: Cluster) -> None:
    for role in (API, WORKER):
        connection = await cluster.connect(role)
        names = ("synchronous_commit", "idle_in_transaction_session_timeout")
        assert [await connection.fetchval(f"SHOW {name}") for name in names] == ["on", "1min"]
        await connection.close()


def test_the_guide_quotes_the_statements_that_are_run_here() -> None:
    guide = (PROJECT / "docs" / "contributing" / "security.md").read_text()
    assert re.findall(r"^```sql\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL) == [(FOLDER / "roles.sql").read_text()]


def test_rows_may_be_deleted_from_just_the_tables_that_some_statement_deletes_from() -> None:
    deleted_from = set(re.findall(r"DELETE FROM ([a-z_]+)", "\n".join([*texts(), *core()])))
    ordinary = {name for name in deleted_from if not partitions.PARTITION.fullmatch(name)}
    assert ordinary == set().union(*roles.DELETES_FROM.values())
