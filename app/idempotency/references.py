"""The SQL statements about references, the callers' own ids. Each belongs to one object of its resource.

A reference is claimed before Stripe is asked. It belongs to the object once that is known here, from the answer or the
webhook.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, bindparam, delete, false, func, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert

from app.db.engine import Connection
from app.db.schema import operations, reference_claims
from app.db.statement import Statement
from app.domain.json import JsonView


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether a reference is ours to use; otherwise the object that has it, or None while that is being created."""

    ours: bool
    object_id: str | None


_C = reference_claims.c
_KEY = [_C.resource, _C.reference]

_O = operations.c
_RUNNING = (
    select(_O.id)
    .where(_O.id == bindparam("operation"), _O.takeovers == bindparam("runner"), _O.answered_at.is_(None))
    .with_for_update(read=True)
    .cte("running")
)
_CLAIM = Statement(
    insert(reference_claims)
    .from_select(
        ["resource", "reference", "operation"],
        select(bindparam("resource", type_=Text), bindparam("reference", type_=Text), _RUNNING.c.id),
    )
    .on_conflict_do_update(index_elements=_KEY, set_={"operation": _C.operation})
    .returning(func.coalesce(_C.operation == bindparam("operation"), false()).label("ours"), _C.object_id)
)
_OWNERS = (
    func.unnest(bindparam("references", type_=ARRAY(Text)), bindparam("objects", type_=ARRAY(Text)))
    .table_valued("reference", "object_id", name="owner")
    .render_derived()
)
_NEW = insert(reference_claims).from_select(
    ["resource", "reference", "object_id"],
    select(bindparam("resource", type_=Text), _OWNERS.c.reference, _OWNERS.c.object_id).ext(
        distinct_on(_OWNERS.c.reference)
    ),
)
_SETTLE = Statement(
    _NEW.on_conflict_do_update(
        index_elements=_KEY, set_={"object_id": _NEW.excluded.object_id}, where=_C.object_id.is_(None)
    )
)
_FREE = Statement(delete(reference_claims).where(_C.operation == bindparam("operation"), _C.object_id.is_(None)))
_GIVE_UP = Statement(
    delete(reference_claims).where(
        _C.resource == bindparam("resource"), _C.reference == _OWNERS.c.reference, _C.object_id == _OWNERS.c.object_id
    )
)


async def claim(connection: Connection, resource: str, reference: str, operation: UUID, runner: int) -> Claim | None:
    """Claim `reference` for the object that `operation` creates; None if this runner has lost the operation.

    The operation's row is locked meanwhile, so that whoever answers it later finds the claim and frees it.
    """
    return await _CLAIM.row(
        connection, Claim, resource=resource, reference=reference, operation=operation, runner=runner
    )


async def keep(
    connection: Connection, resource: str, rows: Sequence[JsonView], given_up: Sequence[tuple[str, str]]
) -> None:
    """Record whose references the stored `rows` are, after those that were `given_up`."""
    if given_up:
        await give_up(connection, resource, given_up)
    owned = [(row["reference"], row["id"]) for row in rows if row.get("reference") and not row["deleted_at"]]
    if owned:
        await settle(connection, resource, owned)


async def settle(connection: Connection, resource: str, owners: Iterable[tuple[str, str]]) -> None:
    """Record the owners of references, as (reference, object id). The first owner stays."""
    await _SETTLE.execute(connection, resource=resource, **_listed(owners))


async def free(connection: Connection, operation: UUID) -> None:
    await _FREE.execute(connection, operation=operation)


async def give_up(connection: Connection, resource: str, owners: Iterable[tuple[str, str]]) -> None:
    """Free references that their objects no longer have, or that are of deleted objects, as (reference, object id)."""
    await _GIVE_UP.execute(connection, resource=resource, **_listed(owners))


def _listed(owners: Iterable[tuple[str, str]]) -> dict[str, object]:
    pairs = list(owners)
    return {"references": [reference[:200] for reference, _ in pairs], "objects": [one for _, one in pairs]}
