"""Owns the statements about tombstones: objects that are gone at Stripe and were never seen here."""

from collections.abc import Collection

from app.db.engine import Connection


async def among(connection: Connection, ids: Collection[str]) -> set[str]:
    """Which of `ids` are known to be gone."""
    if not ids:
        return set()
    rows = await connection.fetch("SELECT id FROM tombstones WHERE id = ANY($1::text[])", list(ids))
    return {row[0] for row in rows}


async def bury(connection: Connection, ids: Collection[str]) -> None:
    """Record that `ids` are gone."""
    if ids:
        await connection.execute(
            "INSERT INTO tombstones (id) SELECT unnest($1::text[]) ON CONFLICT (id) DO NOTHING", sorted(ids)
        )
