"""Owns the running of a mutating request: once per idempotency key, whatever fails in between.

An operation is the row behind a key. A use case calls Stripe under keys derived from it, records how far it got, and
stores its answer in the same transaction as its last change.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
import structlog

from app.db import operations, references
from app.db.engine import Connection, Database
from app.db.operations import REFUSED, Stored
from app.domain.errors import IdempotencyInProgress, IdempotencyMismatch, Refused, restore
from app.domain.idempotency import LEASE_S, KeyVerdict, fingerprint, judge_key, stripe_key
from app.domain.json import JsonObject, JsonView

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """What a caller asked: `target` is method and path, `params` the validated body, `subject` the id in the path."""

    caller: str
    target: str
    params: JsonView
    key: str | None = None
    subject: str | None = None
    request_id: str | None = None


@dataclass(slots=True)
class Answer:
    """What is answered. `secret_of` names the invoice whose client secret belongs into it; the secret is never stored."""

    status: int
    body: str
    replayed: bool = False
    secret_of: str | None = None
    secret: str | None = None


@dataclass(slots=True)
class Operation:
    """A running operation, as its use case sees it."""

    id: uuid.UUID
    progress: JsonObject
    fresh: bool
    subject: str | None = None
    secret: str | None = None
    answer: Answer | None = field(default=None)

    def stripe_key(self, step: str) -> str:
        """The idempotency key for the Stripe call of `step`."""
        return stripe_key(self.id, step)

    async def advance(self, connection: Connection, **progress: object) -> None:
        """Record a recovery point in the transaction that holds what led to it."""
        self.progress |= progress
        await operations.advance(connection, self.id, self.progress, self.subject)

    async def finish(self, connection: Connection, status: int, body: str) -> None:
        """Store the answer in the transaction of the last change; what is stored is what is answered."""
        await operations.answer(connection, self.id, status, body, progress=self.progress, subject=self.subject)
        self.answer = Answer(status, body, secret_of=self.progress.get("secret_of"), secret=self.secret)


UseCase = Callable[[Operation, JsonView], Awaitable[None]]


class Operations:
    """Runs use cases under idempotency keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, call: Call, use_case: UseCase) -> Answer:
        """Run `use_case` for `call`, or replay what was answered under its key.

        Raises IdempotencyMismatch, IdempotencyInProgress, and whatever the use case raises; a refusal is stored
        and replayed as well, while something that was only unavailable is free to be tried again.
        """
        stored = await self._begin(call, use_case.__name__)
        if not stored.ours:
            return _replay(stored, fingerprint(call.target, call.params))
        operation = Operation(stored.id, stored.progress, fresh=stored.fresh, subject=call.subject)
        try:
            await use_case(operation, call.params)
        except Refused as refusal:
            await self._refuse(operation, refusal)
            raise
        except BaseException:
            await self._release(operation)
            raise
        if operation.answer is None:
            raise AssertionError(f"{use_case.__name__} ended without an answer")
        return operation.answer

    async def _begin(self, call: Call, name: str) -> Stored:
        operation = uuid.uuid4()
        async with self._database.connection() as connection:
            return await operations.begin(
                connection,
                operation=operation,
                caller=call.caller,
                key=call.key or f"auto:{operation}",
                fingerprint=fingerprint(call.target, call.params),
                name=name,
                params=call.params,
                subject=call.subject,
                request_id=call.request_id,
                lease_s=LEASE_S,
            )

    async def _refuse(self, operation: Operation, refusal: Refused) -> None:
        body = msgspec.json.encode(refusal.to_document()).decode()
        async with self._database.unit_of_work() as connection:
            await operations.answer(
                connection, operation.id, REFUSED, body, progress=operation.progress, subject=operation.subject
            )
            await references.free(connection, operation=operation.id)

    async def _release(self, operation: Operation) -> None:
        """Best effort: where this fails too, the lease runs out by itself."""
        try:
            async with self._database.connection() as connection:
                await operations.release(connection, operation.id)
        except Exception:  # noqa: BLE001 -- the caller must hear of the first error
            log.warning("operation_not_released", operation=str(operation.id))


def _replay(stored: Stored, asked: str) -> Answer:
    match judge_key(stored.fingerprint, asked, answered=stored.answer_status is not None):
        case KeyVerdict.MISMATCH:
            raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
        case KeyVerdict.IN_PROGRESS:
            raise IdempotencyInProgress("A request with this Idempotency-Key is still running.", retry_after=1)
        case KeyVerdict.REPLAY:
            body = stored.answer_body or ""
            if stored.answer_status == REFUSED:
                error = restore(msgspec.json.decode(body))
                error.replayed = True
                raise error
            status = stored.answer_status or 0
            return Answer(status, body, replayed=True, secret_of=stored.progress.get("secret_of"))
