"""The SQL statements about fulfillment actions: create each once, claim due ones, record outcomes.

The row is the job. It stays, so that a replay or a repair does not create it again. Claiming sets next_attempt_at to
the end of a lease, so an action comes due again if its worker dies.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from app.db.engine import Connection
from app.domain.actions import DUE_AT, MAIL_WAITS, ActionStatus, Moment, Occasion
from app.hooks import EarlierAction


@dataclass(frozen=True, slots=True)
class DueAction:
    """A claimed action. `attempts` includes this try, and may restart; `lease` only grows, and names the claim."""

    id: str
    fulfillment: str
    invoice: str
    action: str
    moment: Moment
    attempts: int
    lease: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """The recipient of a fulfillment's mail. `known` is False while the customer has not arrived here."""

    known: bool
    erased: bool
    email: str | None


_ENQUEUE = """
INSERT INTO fulfillment_actions (id, fulfillment, invoice, action, moment, next_attempt_at)
SELECT 'act_' || left(encode(sha256(convert_to(concat_ws(':', reached.id, action, reached.moment), 'UTF8')), 'hex'), 32),
    reached.id, reached.invoice, action, reached.moment,
    now() + CASE WHEN action = 'email' THEN reached.mail_waits ELSE interval '0' END
FROM configured_actions,
    unnest($1::text[], $2::text[], $3::text[], $4::interval[]) AS reached (id, invoice, moment, mail_waits)
ORDER BY 1
ON CONFLICT (fulfillment, action, moment) DO UPDATE
SET status = 'pending', attempts = 0, lost = 0, reason = NULL, next_attempt_at = now(), finished_at = NULL
WHERE fulfillment_actions.status = 'skipped'
"""

_ANNOUNCE = """
WITH gone AS (
    DELETE FROM configured_actions WHERE NOT action = ANY($1::text[])
)
INSERT INTO configured_actions (action) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
"""

_CLAIM = """
WITH waiting AS (
    SELECT id FROM fulfillment_actions job
    WHERE action = $1 AND status IN ('pending', 'failed') AND next_attempt_at <= now()
      AND split_part(moment, ':', 1) = ANY($4::text[]) AND NOT EXISTS (
        SELECT FROM fulfillment_actions other
        WHERE other.fulfillment = job.fulfillment AND other.action = job.action AND (
            other.status = 'running' OR other.status IN ('pending', 'failed') AND other.next_attempt_at <= now()
                AND (other.created_at, other.id) < (job.created_at, job.id)
        )
      )
    ORDER BY next_attempt_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE fulfillment_actions AS job
SET status = 'running', attempts = job.attempts + 1, lease = job.lease + 1, later_lease = job.lease + 1,
    next_attempt_at = now() + $3::interval
FROM waiting
WHERE job.id = waiting.id
RETURNING job.id, job.fulfillment, job.invoice, job.action, job.moment, job.attempts, job.lease
"""

_ANY_CAME_BACK = """
SELECT EXISTS (
    SELECT FROM fulfillment_actions WHERE action = ANY($1::text[]) AND status = 'running' AND next_attempt_at <= now()
      AND split_part(moment, ':', 1) = ANY($2::text[])
)
"""

_CLAIM_BACK = """
WITH back AS (
    SELECT id, lost + 1 >= $3 AS given_up FROM fulfillment_actions
    WHERE action = ANY($1::text[]) AND status = 'running' AND next_attempt_at <= now()
      AND split_part(moment, ':', 1) = ANY($4::text[])
    ORDER BY next_attempt_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE fulfillment_actions AS job
SET status = CASE WHEN given_up THEN 'dead' ELSE 'running' END,
    attempts = job.attempts + CASE WHEN given_up THEN 0 ELSE 1 END,
    lease = job.lease + 1,
    later_lease = job.lease + 1,
    lost = job.lost + 1,
    reason = CASE WHEN given_up THEN 'Its worker died or hung each time.' ELSE reason END,
    next_attempt_at = CASE WHEN given_up THEN NULL ELSE now() + $2::interval END,
    finished_at = CASE WHEN given_up THEN now() END
FROM back
WHERE job.id = back.id
RETURNING job.id, job.fulfillment, job.invoice, job.action, job.moment, job.attempts, job.lease, given_up
"""

_HOLD = """
UPDATE fulfillment_actions AS job
SET next_attempt_at = now() + $4::interval
FROM fulfillments fulfillment
WHERE job.id = $1 AND job.attempts = $2 AND job.lease = $3 AND job.status = 'running' AND fulfillment.id = job.fulfillment
RETURNING coalesce(fulfillment.later_status, fulfillment.status) AS status
"""

_DONE = """
UPDATE fulfillment_actions SET status = 'done', reason = NULL, next_attempt_at = NULL, finished_at = now()
WHERE id = $1 AND status <> 'done'
"""

_END = """
UPDATE fulfillment_actions SET status = $4, reason = $5, next_attempt_at = NULL, finished_at = now()
WHERE id = $1 AND attempts = $2 AND lease = $3 AND status = 'running'
"""

_LEAVE = """
WITH standing AS MATERIALIZED (
    SELECT coalesce(later_status, status) = ANY($6::text[]) AS due FROM fulfillments WHERE id = $4 FOR SHARE
)
UPDATE fulfillment_actions AS job
SET status = CASE WHEN standing.due THEN 'pending' ELSE 'skipped' END,
    attempts = job.attempts - 1,
    reason = CASE WHEN NOT standing.due THEN $5 END,
    next_attempt_at = CASE WHEN standing.due THEN now() END,
    finished_at = CASE WHEN NOT standing.due THEN now() END
FROM standing
WHERE job.id = $1 AND job.attempts = $2 AND job.lease = $3 AND job.status = 'running'
"""

_FAIL = """
UPDATE fulfillment_actions SET status = 'failed', reason = $4, next_attempt_at = now() + $5::interval
WHERE id = $1 AND attempts = $2 AND lease = $3 AND status = 'running'
"""

_RETRY = """
UPDATE fulfillment_actions
SET status = 'pending', attempts = 0, lost = 0, reason = NULL, next_attempt_at = now(), finished_at = NULL
WHERE id = $1 AND status = ANY($2::text[])
RETURNING id
"""

_EARLIER = """
SELECT id AS idempotency_id, moment, status, attempts,
    to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS finished_at
FROM fulfillment_actions
WHERE fulfillment = $1 AND action = $2 AND id <> $3 AND attempts > 0
ORDER BY created_at, id
"""

_RECIPIENT = """
SELECT fulfillment.customer IS NULL OR customer.id IS NOT NULL AS known, customer.deleted_at IS NOT NULL OR EXISTS (
        SELECT FROM tombstones WHERE id = fulfillment.customer
    ) AS erased, customer.email
FROM fulfillments fulfillment LEFT JOIN customers customer ON customer.id = fulfillment.customer
WHERE fulfillment.id = $1
"""


async def enqueue(connection: Connection, reached: Collection[tuple[str, str, Occasion]]) -> None:
    """Create the configured actions of what is `reached`. One that was skipped as not due is due again."""
    if reached:
        waits = {occasion: timedelta(seconds=MAIL_WAITS.get(occasion.moment, 0)) for _, _, occasion in reached}
        rows = sorted({(one, invoice, str(occasion), waits[occasion]) for one, invoice, occasion in reached})
        await connection.execute(_ENQUEUE, *(list(column) for column in zip(*rows, strict=True)))


async def announce(connection: Connection, names: Collection[str]) -> None:
    """Create actions of these names from now on, and of no others. Existing rows of others stay and wait."""
    await connection.execute(_ANNOUNCE, sorted(names))


async def announced(connection: Connection) -> set[str]:
    """The names of the actions that are created: those of the worker that started last."""
    return {row["action"] for row in await connection.fetch("SELECT action FROM configured_actions")}


async def claim(connection: Connection, action: str, limit: int, lease: timedelta) -> list[DueAction]:
    """Claim up to `limit` due actions of a name, but no two of one fulfillment, so that mails keep their order.

    Moments that only a newer release knows are left to it.
    """
    return [_due(row) for row in await connection.fetch(_CLAIM, action, limit, lease, list(Moment))]


async def any_came_back(connection: Connection, names: Collection[str]) -> bool:
    """Whether a worker died running one of these actions, and its lease has ended."""
    return bool(await connection.fetchval(_ANY_CAME_BACK, list(names), list(Moment)))


async def claim_back(
    connection: Connection, names: Collection[str], lease: timedelta, most_lost: int
) -> tuple[DueAction | None, str | None]:
    """Claim an action whose worker died, or give it up after `most_lost` times. Returns it, or the id given up."""
    row = await connection.fetchrow(_CLAIM_BACK, list(names), lease, most_lost, list(Moment))
    if row is None:
        return None, None
    return (None, row["id"]) if row["given_up"] else (_due(row), None)


def _due(row: asyncpg.Record) -> DueAction:
    named = {name: row[name] for name in DueAction.__slots__ if name != "number"}
    occasion = Occasion.read(row["moment"])
    return DueAction(**named | {"moment": occasion.moment, "number": occasion.number})


async def earlier(connection: Connection, due: DueAction) -> list[EarlierAction]:
    """What the same action did for this fulfillment before, oldest first: each that was tried at least once."""
    rows = await connection.fetch(_EARLIER, due.fulfillment, due.action, due.id)
    return [EarlierAction(**dict(row) | {"moment": Occasion.read(row["moment"]).moment}) for row in rows]


async def hold(connection: Connection, due: DueAction, lease: timedelta) -> str | None:
    """Extend the claim by `lease` from now. Returns the fulfillment's status; None if the claim is lost."""
    found: str | None = await connection.fetchval(_HOLD, due.id, due.attempts, due.lease, lease)
    return found


async def done(connection: Connection, due: DueAction) -> None:
    """Mark it done, even if the claim is lost, because it was done."""
    await connection.execute(_DONE, due.id)


async def end(connection: Connection, due: DueAction, status: ActionStatus, reason: str) -> None:
    """Mark it skipped or dead, unless the claim is lost."""
    await connection.execute(_END, due.id, due.attempts, due.lease, status, reason)


async def leave(connection: Connection, due: DueAction, reason: str) -> None:
    """Mark it skipped because its fulfillment moved on, or pending if the fulfillment has returned to where it is due.

    The try did nothing, so it does not count. It waits for a transaction that changes the fulfillment: either that one
    sees it skipped and makes it due, or this one sees the new status.
    """
    statuses = list(DUE_AT[due.moment])
    await connection.execute(_LEAVE, due.id, due.attempts, due.lease, due.fulfillment, reason, statuses)


async def fail(connection: Connection, due: DueAction, reason: str, pause: timedelta) -> None:
    """Mark it for another try after `pause`, unless the claim is lost."""
    await connection.execute(_FAIL, due.id, due.attempts, due.lease, reason, pause)


async def retry(connection: Connection, action_id: str, statuses: Sequence[str]) -> bool:
    """Make an action due now, with all tries ahead. Returns whether its status was among `statuses`."""
    return await connection.fetchval(_RETRY, action_id, list(statuses)) is not None


async def recipient(connection: Connection, fulfillment: str) -> Recipient:
    """The recipient of the mail of `fulfillment`."""
    row = await connection.fetchrow(_RECIPIENT, fulfillment)
    return Recipient(**row) if row else Recipient(known=False, erased=False, email=None)
