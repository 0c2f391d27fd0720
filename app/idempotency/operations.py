"""Runs mutating requests: once per idempotency key, whatever fails in between.

An operation is the row behind a key. A use case changes things at Stripe through steps.py, with keys derived from its
operation. It records its progress, and stores its answer in the transaction of its last change.
"""

import asyncio
import math
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import msgspec
import structlog

from app.db.batcher import INDIVIDUALLY, Batcher, Individually
from app.db.engine import Connection, Database
from app.domain.errors import (
    IdempotencyInProgress,
    IdempotencyMismatch,
    InvoicingError,
    Refused,
    StripeTimeout,
    ValidationFailed,
    restore,
)
from app.domain.idempotency import LEASE_FACTOR, fingerprint, stripe_key
from app.domain.json import JsonObject, JsonView
from app.domain.redaction import in_a_line
from app.idempotency import lease, references
from app.idempotency import statements as idempotency_statements
from app.idempotency.statements import REFUSED, Answered, LeaseLost, NewOperation, Stored
from app.observability import logs, metrics, tracing

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A request: `target` is method and path, `params` the validated body, `subject` the id in the path."""

    caller: str
    target: str
    params: JsonView
    key: str | None = None
    subject: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `secret` is shown with it and never stored: a replay has none.

    `secret_of` is the object whose client secret it is.
    """

    status: int
    body: str
    replayed: bool = False
    secret_of: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Operation:
    """A running operation, as its use case sees it.

    runner: the number of this runner, 0 for the first. touched: Stripe may have changed something on its behalf.
    closing: its time is over: it only finds out what was done (see steps.py). age: how old it was when this runner took
    it. lease_ends: until when this runner may act, by this process's clock (lease.py).
    """

    id: uuid.UUID
    runner: int
    created_at: datetime
    progress: JsonObject
    touched: bool
    subject: str | None = None
    closing: bool = False
    age: timedelta = timedelta()
    lease_ends: float = math.inf

    @classmethod
    def of(cls, stored: Stored) -> Self:
        """The operation of a row that is ours to run."""
        return cls(
            stored.id,
            stored.takeovers,
            stored.created_at,
            stored.progress,
            stored.takeovers > 0,
            stored.subject,
            age=stored.age,
            lease_ends=stored.lease_ends,
        )

    @property
    def fresh(self) -> bool:
        """Whether this is its first runner."""
        return self.runner == 0

    def require_to_come(self, param: str, when: str | None, years: int | None = None) -> datetime | None:
        """The time `when`. Raise ValidationFailed unless it is ahead of the operation's beginning, by at most `years`.

        `param` is the field that gave it. This rule is not in a schema, because it depends on the clock: a replay must
        pass later, too.
        """
        if when is None:
            return None
        moment = datetime.fromisoformat(when)
        if moment <= self.created_at:
            raise ValidationFailed(f"{param} must be in the future.", param=param)
        if years and moment >= self.created_at + timedelta(days=365 * years + years // 4):
            raise ValidationFailed(f"{param} must be within {years} years.", param=param)
        return moment

    def require_lease(self) -> None:
        """Raise LeaseLost if the lease has ended: another runner may have done or undone the next step."""
        if lease.now() >= self.lease_ends:
            raise LeaseLost

    def generation(self, step: str) -> int:
        """The number of spent Stripe keys of `step`."""
        found: int = self.progress.get("generations", {}).get(step, 0)
        return found

    def stripe_key(self, step: str) -> str:
        return stripe_key(self.id, step, self.generation(step))

    async def advance(self, connection: Connection, **progress: object) -> None:
        """Record a recovery point in the transaction of the changes before it. Raises LeaseLost."""
        self.progress |= progress
        await idempotency_statements.advance(connection, self.id, self.runner, self.progress, self.subject)

    async def finish(self, connection: Connection, status: int, body: str, secret: str | None = None) -> Answer:
        """Store the answer in the transaction of the last change. Raises LeaseLost, which rolls that back."""
        await idempotency_statements.answer(connection, [self.answered(status, body)])
        return Answer(status, body, secret=secret)

    def answered(self, status: int, body: str) -> Answered:
        """The answer as it is stored. Of the progress, which may repeat parameters, it keeps only what a replay needs."""
        secret_of = self.progress.get("secret_of")
        kept = {"secret_of": secret_of} if secret_of else {}
        return Answered(self.id, self.runner, status, body, kept, self.subject)


UseCase = Callable[[Operation, JsonView], Awaitable[Answer]]
"""Changes something on behalf of an operation, and returns the answer that it stored with its last change."""


_OF_USE_CASES = ([Operation, JsonView, Answer], ["Operation", "JsonView", "Answer"])
"""The annotations of a use case. They are texts in a module that puts their evaluation off."""


def use_cases(service: object) -> dict[str, UseCase]:
    """The use cases of a service by name: its public methods from an operation and its parameters to an answer.

    Operations are stored under these names, so they must not change.
    """
    found = {name: getattr(it, "__annotations__", {}) for name, it in vars(type(service)).items() if name[0] != "_"}
    return {name: getattr(service, name) for name, it in found.items() if [*it.values()] in _OF_USE_CASES}


class Operations:
    """Runs use cases under idempotency keys, each within `deadline_s` seconds."""

    def __init__(self, database: Database, *, deadline_s: float) -> None:
        self._database = database
        self._deadline_s = deadline_s
        self.lease = timedelta(seconds=deadline_s * LEASE_FACTOR)
        self._beginning: Batcher[NewOperation, Stored] = Batcher(self._begin_together)

    async def close(self) -> None:
        await self._beginning.close()

    async def run(self, call: Call, use_case: UseCase) -> Answer:
        """Run `use_case` for `call`, or replay the answer stored under its key.

        Raises IdempotencyMismatch, IdempotencyInProgress, and what the use case raises. A refusal is stored and
        replayed; something that was only unavailable can be retried.
        """
        name, asked = use_case.__name__, fingerprint(call.target, call.params)
        outcome = "broken_off"
        logs.about(call.subject)
        with tracing.span(f"operation {name}", {"operation.name": name}) as span:
            try:
                stored = await self._begin(call, name, asked)
                logs.runs(stored.id)
                span.set_attributes({"operation.id": str(stored.id), "operation.takeovers": stored.takeovers})
                answer = await self.carry_out(stored, use_case) if stored.ours else _replay(stored, asked)
                outcome = "replayed" if answer.replayed else "done"
            except InvoicingError as error:
                outcome = "replayed" if error.replayed else error.code
                raise
            finally:
                metrics.OPERATIONS(name, outcome).inc()
                span.set_attribute("operation.outcome", outcome)
        return answer

    async def carry_out(self, stored: Stored, use_case: UseCase) -> Answer:
        """Run an operation that is ours from its last recovery point. Raises as `run` does."""
        operation = Operation.of(stored)
        try:
            return await self._bounded(operation, use_case, stored.params)
        except LeaseLost:
            return await self._answer_of_another(operation)
        finally:
            logs.about(operation.subject)

    async def refuse(self, operation: Operation, error: InvoicingError) -> Answer:
        """Store `error` as the answer, and free the reference that the operation claimed. Raises LeaseLost."""
        body = msgspec.json.encode(error.to_document()).decode()
        async with self._database.unit_of_work() as connection:
            answer = await operation.finish(connection, REFUSED, body)
            await references.free(connection, operation.id)
        return answer

    async def _begin(self, call: Call, name: str, asked: str) -> Stored:
        new = NewOperation(uuid.uuid4(), call.caller, call.key, asked, name, call.params, call.subject, call.request_id)
        begun = await self._beginning.submit(new)
        if begun is not INDIVIDUALLY:
            return begun
        async with self._database.connection() as connection:
            return await idempotency_statements.begin(connection, new, self.lease)

    async def _begin_together(self, new: Sequence[NewOperation]) -> Sequence[Stored | Individually]:
        """Begin operations with new keys in one statement and one commit; others must begin individually."""
        async with self._database.connection() as connection:
            begun = await idempotency_statements.begin_new(connection, new, self.lease)
        return [begun.get(one.id, INDIVIDUALLY) for one in new]

    async def _bounded(self, operation: Operation, use_case: UseCase, params: JsonView) -> Answer:
        limit = asyncio.timeout(self._deadline_s)
        try:
            async with limit:
                return await use_case(operation, params)
        except LeaseLost:
            raise
        except Refused as refusal:
            await self.refuse(operation, refusal)
            raise
        except BaseException as error:
            await self._let_go(operation, error)
            if limit.expired():
                raise StripeTimeout("The request took too long; ask again and it continues.", retry_after=1) from error
            raise

    async def _let_go(self, operation: Operation, error: BaseException) -> None:
        """Release the key for the next try, or delete the operation. If this fails, the lease runs out."""
        reason = in_a_line(error)
        try:
            async with self._database.unit_of_work() as connection:
                if operation.touched:
                    await idempotency_statements.release(connection, operation.id, operation.runner, reason)
                elif await idempotency_statements.forget(connection, operation.id, operation.runner):
                    await references.free(connection, operation.id)
        except Exception:  # noqa: BLE001 -- the caller must hear of the first error
            log.warning("operation_not_released", operation=str(operation.id), reason=reason)

    async def _answer_of_another(self, operation: Operation) -> Answer:
        """The answer of the runner that took over. Raises IdempotencyInProgress while it runs."""
        async with self._database.connection() as connection:
            stored = await idempotency_statements.read(connection, operation.id)
        if stored is None:
            raise _still_running()
        return _replay(stored, stored.fingerprint)


def _replay(stored: Stored, asked: str) -> Answer:
    if stored.fingerprint != asked:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
    if stored.answer_status is None:
        raise _still_running()
    body = stored.answer_body or ""
    if stored.answer_status == REFUSED:
        error = restore(msgspec.json.decode(body))
        error.replayed = True
        raise error
    return Answer(stored.answer_status, body, replayed=True, secret_of=stored.progress.get("secret_of"))


def _still_running() -> IdempotencyInProgress:
    return IdempotencyInProgress("A request with this Idempotency-Key is still running.", retry_after=1)
