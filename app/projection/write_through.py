"""Write-through: Stripe's answer to our own call becomes our rows and the answer to the caller at once.

The webhook about the same change may come before or after; the rows are the same either way (see unit_of_work.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from pydantic import BaseModel

from app.db import documents, resources
from app.db.batcher import INDIVIDUALLY, Batcher, Individually
from app.db.engine import Connection, Database
from app.db.resources import Resource
from app.db.rows import lock_free
from app.domain.errors import IdempotencyInProgress, NotFound, Overtaken, ReferenceTaken
from app.domain.json import JsonView
from app.idempotency import references
from app.idempotency import statements as idempotency_statements
from app.idempotency.operations import Answer, Operation
from app.idempotency.statements import LeaseLost
from app.idempotency.steps import Steps
from app.projection import observation
from app.projection.unit_of_work import Incomplete, Subject, UnitOfWork, Unordered
from app.stripe.client import StripeGateway
from app.stripe.mapping import Kind, Snapshot
from app.stripe.parameters import named_as, stripe_parameters

RESOURCES: dict[Kind, Resource] = {kind: getattr(resources, kind.name) for kind in Kind}

Written = str | None
"""The document of what was written, as it is answered; None if the object was deleted at Stripe meanwhile."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A snapshot to write, and the operation it answers, if any. `cause` is recorded with it."""

    snapshot: Snapshot
    cause: str
    operation: Operation | None = None
    status: int = 0

    @property
    def subject(self) -> Subject:
        return Subject(self.snapshot.kind, self.snapshot.id)

    @property
    def subjects(self) -> list[Subject]:
        """The object, and the invoice that it belongs to."""
        invoice = self.snapshot.invoice
        return [self.subject, *([Subject(Kind.INVOICE, invoice)] if invoice else [])]


class Writer:
    """Writes snapshots and the answers they lead to. Changes that come together share a transaction."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self.database = database
        self.gateway = gateway
        self.steps = Steps(database, gateway)
        self._batcher: Batcher[Change, Written] = Batcher(self._together)

    async def close(self) -> None:
        await self._batcher.close()

    async def write(self, snapshot: Snapshot, cause: str) -> None:
        """Apply `snapshot`, with `cause` recorded with its changes. Raises Overtaken as `finish` does."""
        await self._write(Change(snapshot, cause))

    async def finish(
        self, operation: Operation, snapshot: Snapshot, status: int = 200, *, secret: str | None = None
    ) -> Answer:
        """Apply `snapshot` and answer with its object's document, in one transaction.

        If times cannot tell whether the webhook was newer, Stripe is asked. Raises Overtaken if others change
        the object faster than Stripe answers; a retry continues. Raises NotFound if the object's deletion arrived
        before this answer.
        """
        operation.subject = snapshot.id
        written = await self._write(Change(snapshot, str(operation.id), operation, status))
        if written is None:
            raise NotFound(
                f"The {snapshot.kind.value} {snapshot.id!r} was deleted at Stripe before this request was answered."
            )
        return Answer(status, written, secret_of=operation.progress.get("secret_of"), secret=secret)

    async def _write(self, change: Change) -> Written:
        looks = 0
        while True:
            try:
                written = await self._batcher.submit(change)
                return await self._alone(change) if written is INDIVIDUALLY else written
            except Unordered as question:
                looks += 1
                if looks > observation.MOST_LOOKS:
                    raise Overtaken(change.snapshot.id) from question
                change = replace(change, snapshot=await self._clarified(change.snapshot, question))

    async def _clarified(self, snapshot: Snapshot, question: Unordered) -> Snapshot:
        if isinstance(question, Incomplete):
            await observation.complete(self.gateway, snapshot)
            return snapshot
        observed = await observation.observe(self.gateway, question.subject, question.over)
        observed.payments = observed.payments or snapshot.payments
        return observed.belongs_to(snapshot.invoice)

    async def _alone(self, change: Change) -> Written:
        """Write one change in its own transaction, waiting for locks."""
        async with self.database.unit_of_work() as connection:
            unit = await UnitOfWork.of(connection, change.subjects, cause=change.cause)
            unit.apply(change.snapshot)
            await unit.flush()
            return (await _answer(connection, [change]))[0]

    async def _together(self, changes: Sequence[Change]) -> Sequence[Written | Exception | Individually]:
        """Write changes of different objects in one transaction. Locked objects are left for individual writes."""
        outcomes: dict[Change, Written | Exception] = {}
        first = {change.subject: change for change in reversed(changes)}
        async with self.database.unit_of_work() as connection:
            free = await lock_free(connection, {it.id for change in first.values() for it in change.subjects})
            mine = [it for it in changes if it is first[it.subject] and all(one.id in free for one in it.subjects)]
            unit = await UnitOfWork.of_locked(connection, list({it: it for change in mine for it in change.subjects}))
            for change in mine:
                unit.cause = change.cause
                try:
                    with unit.all_or_nothing():
                        unit.apply(change.snapshot)
                except Exception as error:  # noqa: BLE001 -- the unit of work undid it; the others go on
                    outcomes[change] = error
            await unit.flush()
            applied = [change for change in mine if change not in outcomes]
            outcomes |= zip(applied, await _answer(connection, applied), strict=True)
        return [outcomes.get(change, INDIVIDUALLY) for change in changes]

    async def create(
        self, operation: Operation, kind: Kind, schema: type[BaseModel], params: JsonView, **more: object
    ) -> Answer:
        """Create an object by `params` (of `schema`) and Stripe's parameters `more`. Claims the reference."""
        await self.claim_reference(operation, kind, params)
        with named_as(schema):
            wanted = stripe_parameters(schema, params) | more
            answer = await self.steps.post(operation, "create", observation.PATHS[kind], wanted)
        return await self.finish(operation, observation.snapshot_of(kind, answer), 201)

    async def update(self, operation: Operation, kind: Kind, schema: type[BaseModel], params: JsonView) -> Answer:
        """Change the operation's subject at Stripe by `params` (in the shape of `schema`)."""
        path = await self._known(operation, kind)
        with named_as(schema):
            answer = await self.steps.post(operation, "update", path, stripe_parameters(schema, params), of=path)
        return await self.finish(operation, observation.snapshot_of(kind, answer))

    async def delete(self, operation: Operation, kind: Kind) -> Answer:
        """Delete the operation's subject at Stripe, and here. One that is gone there is deleted here, too."""
        path = await self._known(operation, kind)
        answer = await self.steps.delete(operation, path)
        gone = (
            observation.snapshot_of(kind, answer) if answer else observation.gone(Subject(kind, str(operation.subject)))
        )
        return await self.finish(operation, gone)

    async def _known(self, operation: Operation, kind: Kind) -> str:
        """The path of the operation's subject at Stripe. Raises NotFound if it is not known here.

        A continued operation has passed this check before, and may have deleted its subject itself.
        """
        if operation.fresh:
            async with self.database.connection() as connection:
                await documents.require(connection, RESOURCES[kind], str(operation.subject))
        return observation.path_of(Subject(kind, str(operation.subject)))

    async def claim_reference(self, operation: Operation, kind: Kind, params: JsonView) -> None:
        """Claim the caller's `reference` for the object that `operation` creates. Raises ReferenceTaken."""
        reference = params.get("reference")
        if reference is None:
            return
        async with self.database.connection() as connection:
            claim = await references.claim(connection, kind.value, reference, operation.id, operation.runner)
        if claim is None:
            raise LeaseLost
        if claim.ours:
            return
        if claim.object_id is None:
            raise IdempotencyInProgress(f"Another request is creating reference {reference!r}.", retry_after=1)
        raise ReferenceTaken(
            f"The reference {reference!r} belongs to {claim.object_id}.",
            param="reference",
            extra={"existing": claim.object_id},
        )


class AtStripe:
    """The base of use cases that change something at Stripe.

    A use case is a public method. It takes an operation and its parameters, which have the shape of the schema that its
    docstring names, and returns the answer. Operations are stored under its name, so the name must not change.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._database, self._gateway, self._steps = writer.database, writer.gateway, writer.steps


async def _answer(connection: Connection, changes: Sequence[Change]) -> list[Written]:
    """Answer the operations among `changes` with the documents just written. Raises LeaseLost.

    If an object was deleted meanwhile, there is no document and its operation is not answered here.
    """
    shown: dict[str, str] = {}
    for kind, resource in RESOURCES.items():
        ids = [
            it.snapshot.id for it in changes if it.operation and it.snapshot.kind is kind and not it.snapshot.deleted
        ]
        shown |= await documents.read_all(connection, resource, ids) if ids else {}
    written: list[Written] = []
    answers = []
    for change in changes:
        gone = deleted_document(change.snapshot.id) if change.snapshot.deleted else None
        document = shown.get(change.snapshot.id, gone)
        written.append(document)
        if change.operation and document is not None:
            answers.append(change.operation.answered(change.status, document))
    if answers:
        await idempotency_statements.answer(connection, answers)
    return written


def deleted_document(object_id: str) -> str:
    return msgspec.json.encode({"id": object_id, "deleted": True}).decode()
