"""Grants the roles of a deployment their rights on each table, whenever the schema was migrated.

`deploy/postgres/roles.sql` creates the roles; docs/operations.md explains them. Where one role owns everything, none
exist and nothing is granted.
"""

from app.db.engine import Connection
from app.db.partitions import ALONE, PARTITION, TABLE
from app.db.statement import identifiers

INBOX_OWNER = "invoicing_inbox"
READ, ADD, CHANGE = "SELECT", "SELECT, INSERT", "SELECT, INSERT, UPDATE"
NARROW = {"alembic_version": READ, "audit_log": ADD}
"""Tables that the serving roles may not change."""
DELETES_FROM = {
    "invoicing_api": {"invoice_items", "operations", "rate_buckets", "reference_claims"},
    "invoicing_worker": {
        "balance_days",
        "changes",
        "configured_actions",
        "deliveries",
        "invoice_items",
        "operations",
        "rate_buckets",
        "reference_claims",
        "reminders",
    },
}
"""The serving roles, and the tables each may delete from. The inbox's owner drops whole partitions instead."""

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"

_TABLES = """
SELECT relname AS name, pg_get_userbyid(relowner) AS owner FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
_ROLES = "SELECT rolname FROM pg_roles WHERE rolname = ANY($1::text[])"


async def grant(connection: Connection) -> None:
    """Make the inbox's owner its owner, and grant the roles exactly their rights, in the caller's transaction."""
    await connection.execute(ALONE)
    wanted = [INBOX_OWNER, *DELETES_FROM]
    roles = {row["rolname"] for row in await connection.fetch(_ROLES, wanted)}
    tables = {row["name"]: row["owner"] for row in await connection.fetch(_TABLES)}
    await connection.execute(LOCK_TIMEOUT)
    for name, owner in tables.items():
        if INBOX_OWNER in roles and _is_inbox(name) and owner != INBOX_OWNER:
            names = identifiers(table=name, role=INBOX_OWNER)
            await connection.execute("ALTER TABLE {table} OWNER TO {role}".format(**names))
    for role in sorted(roles & DELETES_FROM.keys()):
        for name in tables:
            names = identifiers(table=name, role=role)
            await connection.execute("REVOKE ALL ON {table} FROM {role}".format(**names))
            if not PARTITION.fullmatch(name):  # those are reached through the table
                await connection.execute(
                    "GRANT {rights} ON {table} TO {role}".format(rights=_rights(role, name), **names)
                )


def _is_inbox(name: str) -> bool:
    return name == TABLE or PARTITION.fullmatch(name) is not None


def _rights(role: str, table: str) -> str:
    rights = NARROW.get(table, CHANGE)
    return f"{rights}, DELETE" if table in DELETES_FROM[role] else rights
