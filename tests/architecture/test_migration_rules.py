"""The rules of docs/contributing/scaling.md for migrations: the code before runs on the schema after, and nobody waits for long.

Each migration's SQL is made without a database and looked through. One that takes away what the code before the last
used says so in a constant CONTRACT, with the reason why nothing uses it any more.
"""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory

from app.db import migrations

BEFORE_THE_RULES = "8d2e4b7f9a31"
"""Nothing that was ever deployed is older than this revision."""

CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")

RULES: dict[str, tuple[re.Pattern[str], bool]] = {
    "takes away what the code before uses": (
        re.compile(r"ALTER TABLE (?P<table>\w+) (?:DROP COLUMN|RENAME)|DROP TABLE (?:IF EXISTS )?(?P<gone>\w+)"),
        True,
    ),
    "asks the code before for a column it does not know": (
        re.compile(r"ALTER TABLE (?P<table>\w+) ADD COLUMN (?![^;]*DEFAULT)[^;]*NOT NULL"),
        False,
    ),
    "rewrites or reads the whole table while nobody may use it": (
        re.compile(r"ALTER TABLE (?P<table>\w+) ALTER COLUMN \w+ (?:SET NOT NULL|TYPE)"),
        False,
    ),
    "builds an index while nobody may write: CONCURRENTLY, in an autocommit_block": (
        re.compile(r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?\w+ ON (?P<table>\w+)"),
        False,
    ),
    "checks every row while nobody may write: NOT VALID, then VALIDATE": (
        re.compile(r"ALTER TABLE (?P<table>\w+) ADD CONSTRAINT(?![^;]*(?:NOT VALID|USING INDEX))"),
        False,
    ),
    "touches every row in one transaction: have a Task do it in batches": (
        re.compile(r"(?:^|\n)\s*(?:UPDATE|DELETE FROM) (?P<table>\w+)(?![^;]*\bLIMIT\b)"),
        False,
    ),
}
"""What a statement must not do to a table that was there before; whether CONTRACT allows it."""


def sql_of(upgrade: Callable[[], None]) -> str:
    """What a migration would send."""
    sent = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": sent})
    with context.begin_transaction(_per_migration=True), Operations.context(context):
        upgrade()
    return sent.getvalue()


def broken_rules(upgrade: Callable[[], None], *, contract: bool = False) -> list[str]:
    sent = sql_of(upgrade)
    created = set(CREATED.findall(sent))
    broken = [] if "lock_timeout" in sent else ["waits for locks without an end: SET LOCAL lock_timeout"]
    for rule, (pattern, by_contract) in RULES.items():
        for found in pattern.finditer(sent):
            tables = {name for name in found.groupdict().values() if name}
            if not tables <= created and not (by_contract and contract):
                broken.append(f"{rule}: {found[0].strip()}")
    return broken


def new_migrations() -> list[Script]:
    scripts = ScriptDirectory.from_config(migrations.config())
    return [one for one in scripts.iterate_revisions("head", BEFORE_THE_RULES) if one.revision != BEFORE_THE_RULES]


@pytest.mark.parametrize("script", new_migrations(), ids=lambda script: script.revision)
def test_a_migration_leaves_the_code_before_it_working(script: Script) -> None:
    contract = str(getattr(script.module, "CONTRACT", ""))
    assert broken_rules(script.module.upgrade, contract=bool(contract)) == []


def bounded(*statements: str) -> Callable[[], None]:
    def upgrade() -> None:
        op.execute("SET LOCAL lock_timeout = '3s'")
        for statement in statements:
            op.execute(statement)

    return upgrade


def required_column() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.add_column("invoices", sa.Column("color", sa.Text(), nullable=False))


def index_in_the_way() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_index("ix_invoices_color", "invoices", ["color"])


def check_in_the_way() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_check_constraint("ck_invoices_color", "invoices", "color <> ''")


def not_null() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.alter_column("invoices", "color", existing_type=sa.Text(), nullable=False)


def dropped() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.drop_column("invoices", "color")


@pytest.mark.parametrize(
    "upgrade",
    [
        dropped,
        required_column,
        index_in_the_way,
        check_in_the_way,
        not_null,
        bounded("ALTER TABLE invoices RENAME COLUMN color TO colour"),
        bounded("ALTER TABLE invoices RENAME TO bills"),
        bounded("CREATE INDEX IF NOT EXISTS ix_invoices_color ON invoices (color)"),
        bounded("DROP TABLE invoices"),
        bounded("UPDATE invoices SET color = 'red'"),
        bounded("ALTER TABLE invoices ALTER COLUMN total TYPE numeric"),
        lambda: op.add_column("invoices", sa.Column("color", sa.Text())),  # no lock_timeout
    ],
)
def test_what_would_break_or_block_is_found(upgrade: Callable[[], None]) -> None:
    assert len(broken_rules(upgrade)) == 1


def expanding() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table("colors", sa.Column("id", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("id"))
    op.create_index("ix_colors_id", "colors", ["id"])
    op.execute("INSERT INTO colors VALUES ('red')")
    op.add_column("invoices", sa.Column("color", sa.Text(), nullable=True))
    op.add_column("invoices", sa.Column("shade", sa.Integer(), server_default="1", nullable=False))
    options: dict[str, Any] = {"postgresql_not_valid": True}
    op.create_check_constraint("ck_invoices_color", "invoices", "color <> ''", **options)
    with op.get_context().autocommit_block():
        op.create_index("ix_invoices_color", "invoices", ["color"], postgresql_concurrently=True)
        op.execute("ALTER TABLE invoices VALIDATE CONSTRAINT ck_invoices_color")


def test_what_expands_is_allowed_and_what_contracts_only_where_it_says_so() -> None:
    assert broken_rules(expanding) == []
    assert broken_rules(dropped, contract=True) == []
    assert broken_rules(required_column, contract=True) != []
