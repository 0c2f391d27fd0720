"""Statements about references, the callers' own ids: each belongs to one object of its resource.

A reference is claimed before Stripe is asked, and belongs to the object as soon as that is known here, be it by the
answer or by the webhook.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from app.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether a reference is ours to use, and the object that has it otherwise (None while it is being made)."""

    ours: bool
    object_id: str | None


async def claim(connection: Connection, resource: str, reference: str, operation: UUID, runner: int) -> Claim | None:
    """Claim `reference` for what `operation` creates; None where that is not this runner's any more.

    The operation's row is held meanwhile: whoever answers it later finds the claim, and frees it.
    """
    row = await connection.fetchrow(
        """
        WITH running AS (
            SELECT id FROM operations WHERE id = $3 AND takeovers = $4 AND answered_at IS NULL FOR SHARE
        )
        INSERT INTO reference_claims AS claim (resource, reference, operation) SELECT $1, $2, id FROM running
        ON CONFLICT (resource, reference) DO UPDATE SET operation = claim.operation
        RETURNING coalesce(claim.operation = $3, false) AS ours, claim.object_id
        """,
        resource,
        reference,
        operation,
        runner,
    )
    return Claim(row["ours"], row["object_id"]) if row else None


async def settle(connection: Connection, resource: str, owners: Iterable[tuple[str, str]]) -> None:
    """Record which objects the references belong to, as (reference, object id); the first owner stays."""
    pairs = list(owners)
    await connection.execute(
        """
        INSERT INTO reference_claims AS claim (resource, reference, object_id)
        SELECT DISTINCT ON (reference) $1, reference, object_id FROM unnest($2::text[], $3::text[]) AS owner (reference, object_id)
        ON CONFLICT (resource, reference) DO UPDATE SET object_id = EXCLUDED.object_id WHERE claim.object_id IS NULL
        """,
        resource,
        [reference[:200] for reference, _ in pairs],
        [object_id for _, object_id in pairs],
    )


async def free(connection: Connection, *, operation: UUID | None = None, objects: Iterable[str] = ()) -> None:
    """Free the references of a create that was refused, or of objects that were deleted."""
    await connection.execute(
        "DELETE FROM reference_claims WHERE (operation = $1 AND object_id IS NULL) OR object_id = ANY($2::text[])",
        operation,
        list(objects),
    )


async def give_up(connection: Connection, resource: str, owners: Iterable[tuple[str, str]]) -> None:
    """Free references that their objects do not carry any more, as (reference, object id)."""
    pairs = list(owners)
    await connection.execute(
        """
        DELETE FROM reference_claims AS claim
        USING unnest($2::text[], $3::text[]) AS owner (reference, object_id)
        WHERE claim.resource = $1 AND claim.reference = owner.reference AND claim.object_id = owner.object_id
        """,
        resource,
        [reference[:200] for reference, _ in pairs],
        [object_id for _, object_id in pairs],
    )
