"""Owns the statements of the rate limits: buckets that fill by the database's clock and are drawn from in chunks."""

from dataclasses import dataclass

from app.db.engine import Connection

IDLE_MINUTES = 10

_DRAW = """
INSERT INTO rate_buckets AS bucket (name, tokens, granted, filled_at)
VALUES ($1, $3::float8 - $4::float8, $4::float8, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET
    (tokens, granted) = (
        SELECT filled.tokens - least($4::float8, floor(filled.tokens)), least($4::float8, floor(filled.tokens))
        FROM (
            SELECT least(
                $3::float8,
                bucket.tokens + $2::float8 * greatest(0, extract(epoch FROM clock_timestamp() - bucket.filled_at))
            ) AS tokens
        ) AS filled
    ),
    filled_at = clock_timestamp()
RETURNING granted, tokens
"""


@dataclass(frozen=True, slots=True)
class Draw:
    """What a draw got, and what is left in the bucket for everybody."""

    granted: float
    tokens: float


async def draw(connection: Connection, name: str, *, per_s: float, burst: float, wanted: float) -> Draw:
    """Draw up to `wanted` from the bucket `name`, which fills with `per_s` up to `burst`; `wanted` is at most that."""
    row = await connection.fetchrow(_DRAW, name, per_s, burst, wanted)
    if row is None:
        raise AssertionError("an upsert without a condition answers a row")
    return Draw(row["granted"], row["tokens"])


async def drop_idle(connection: Connection) -> None:
    """Drop the buckets nobody drew from for so long that they are full."""
    await connection.execute(
        f"DELETE FROM rate_buckets WHERE filled_at < clock_timestamp() - interval '{IDLE_MINUTES} minutes'"  # noqa: S608
    )
