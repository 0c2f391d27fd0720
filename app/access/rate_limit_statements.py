"""The SQL statements of the rate limits. Token buckets refill by the database's clock and are drawn from in chunks."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func

from app.db.engine import Connection
from app.db.schema import rate_buckets
from app.db.statement import Statement

IDLE = timedelta(minutes=10)

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
_DROP_IDLE = Statement(delete(rate_buckets).where(rate_buckets.c.filled_at < func.now() - IDLE))


@dataclass(frozen=True, slots=True)
class DrawnTokens:
    """The tokens a draw got, and the tokens left in the bucket."""

    granted: float
    tokens: float


async def draw(connection: Connection, name: str, *, per_s: float, burst: float, wanted: float) -> DrawnTokens:
    """Draw up to `wanted` tokens, at most `burst`, from a bucket that refills at `per_s` tokens a second."""
    [row] = await connection.fetch(_DRAW, name, per_s, burst, wanted)
    return DrawnTokens(row["granted"], row["tokens"])


async def drop_idle(connection: Connection) -> None:
    """Delete buckets that nobody drew from for so long that they are full again."""
    await _DROP_IDLE.execute(connection)
