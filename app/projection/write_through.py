"""Write-through: what Stripe answered to our own call becomes our rows, and the answer to the caller, at once.

The webhook about the same change may come before or after; whichever way, the same rows result (see ledger.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from app.db import documents
from app.db.batcher import INDIVIDUALLY, Batcher, Individually
from app.db.documents import Resource
from app.db.engine import Connection, Database
from app.db.rows import lock_free
from app.domain.errors import IdempotencyInProgress, NotFound, ReferenceTaken, StripeUnavailable
from app.domain.json import JsonObject, JsonView
from app.domain.sources import REFERENCE
from app.idempotency import references
from app.idempotency import statements as idempotency_statements
from app.idempotency.operations import Operation
from app.idempotency.statements import LeaseLost
from app.idempotency.steps import Steps
from app.projection import observation
from app.projection.unit_of_work import Incomplete, Ledger, Subject, Unordered
from app.stripe.client import StripeGateway
from app.stripe.mapping import Kind, Snapshot

RESOURCES: dict[Kind, Resource] = {
    Kind.PRODUCT: documents.PRODUCT,
    Kind.PRICE: documents.PRICE,
    Kind.CUSTOMER: documents.CUSTOMER,
    Kind.INVOICE: documents.INVOICE,
}

Written = str | None
"""The document of what was written, as it is answered; None where the object was deleted at Stripe meanwhile."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A snapshot to write, and the operation that is answered with it, where one is. `cause` is put down beside it."""

    snapshot: Snapshot
    cause: str
    operation: Operation | None = None
    status: int = 0

    @property
    def subject(self) -> Subject:
        """What it changes."""
        return Subject(self.snapshot.kind, self.snapshot.id)


class Writer:
    """Writes snapshots through, together with the answers they lead to; what comes together shares a transaction."""

    def __init__(self, database: Database, gateway: StripeGateway, steps: Steps) -> None:
        self._database = database
        self._gateway = gateway
        self._steps = steps
        self._batcher: Batcher[Change, Written] = Batcher(self._together)

    async def close(self) -> None:
        """Wait for the end of what is under way."""
        await self._batcher.close()

    async def write(self, snapshot: Snapshot, cause: str) -> None:
        """Take `snapshot` in; `cause` is put down beside what changes. Raises StripeUnavailable as `finish` does."""
        await self._write(Change(snapshot, cause))

    async def finish(self, operation: Operation, snapshot: Snapshot, status: int = 200) -> None:
        """Take `snapshot` in, and answer with the document of its object, in one transaction.

        Where the webhook was faster and times cannot tell which is newer, Stripe is asked, and that counts. Raises
        StripeUnavailable where others change the object faster than Stripe answers: asked again, the request continues.
        Raises NotFound where the object was deleted at Stripe, and that was told here, before this answer came.
        """
        operation.subject = snapshot.id
        written = await self._write(Change(snapshot, str(operation.id), operation, status))
        if written is None:
            raise NotFound(
                f"The {snapshot.kind.value} {snapshot.id!r} was deleted at Stripe before this request was answered."
            )
        operation.conclude(status, written)

    async def _write(self, change: Change) -> Written:
        looks = 0
        while True:
            try:
                written = await self._batcher.submit(change)
                return await self._alone(change) if written is INDIVIDUALLY else written
            except Unordered as question:
                looks += 1
                if looks > observation.MOST_LOOKS:
                    raise StripeUnavailable(
                        f"Others keep changing {change.snapshot.id} while Stripe is asked about it; ask again, and this "
                        "continues.",
                        retry_after=1,
                    ) from question
                change = replace(change, snapshot=await self._clarified(change.snapshot, question))

    async def _clarified(self, snapshot: Snapshot, question: Unordered) -> Snapshot:
        """What `question` wants to have in the place of `snapshot`."""
        if isinstance(question, Incomplete):
            await observation.complete(self._gateway, snapshot)
            return snapshot
        observed = await observation.observe(self._gateway, question.subject, question.over)
        observed.links = observed.links or snapshot.links
        return observed

    async def _alone(self, change: Change) -> Written:
        """Write one change in a transaction of its own, waiting for whoever else changes the same object."""
        async with self._database.unit_of_work() as connection:
            ledger = await Ledger.of(connection, [change.subject], cause=change.cause)
            ledger.apply(change.snapshot)
            await ledger.flush()
            return (await _answer(connection, [change]))[0]

    async def _together(self, changes: Sequence[Change]) -> Sequence[Written | Exception | Individually]:
        """Write changes of different objects in one transaction; what somebody else holds is not waited for."""
        outcomes: dict[Change, Written | Exception] = {}
        first = {change.subject: change for change in reversed(changes)}
        async with self._database.unit_of_work() as connection:
            free = await lock_free(connection, [subject.id for subject in first])
            mine = [change for subject, change in first.items() if subject.id in free]
            ledger = await Ledger.of_locked(connection, [change.subject for change in mine])
            for change in mine:
                ledger.cause = change.cause
                try:
                    with ledger.all_or_nothing():
                        ledger.apply(change.snapshot)
                except Exception as error:  # noqa: BLE001 -- the ledger forgot what it did; the others go on
                    outcomes[change] = error
            await ledger.flush()
            applied = [change for change in mine if change not in outcomes]
            outcomes |= zip(applied, await _answer(connection, applied), strict=True)
        return [outcomes.get(change, INDIVIDUALLY) for change in changes]

    async def create(self, operation: Operation, kind: Kind, params: JsonView, wanted: JsonView) -> None:
        """Create an object at Stripe from the Stripe parameters `wanted`, under the caller's reference if there is one."""
        await self.claim_reference(operation, kind, params)
        answer = await self._steps.post(operation, "create", observation.PATHS[kind], wanted)
        await self.finish(operation, observation.snapshot_of(kind, answer), 201)

    async def update(self, operation: Operation, kind: Kind, wanted: JsonView) -> None:
        """Change the operation's subject at Stripe."""
        path = await self._known(operation, kind)
        answer = await self._steps.post(operation, "update", path, wanted, of=path)
        await self.finish(operation, observation.snapshot_of(kind, answer))

    async def delete(self, operation: Operation, kind: Kind) -> None:
        """Delete the operation's subject at Stripe; one that is gone there already is deleted here."""
        path = await self._known(operation, kind)
        answer = await self._steps.delete(operation, path)
        gone = (
            observation.snapshot_of(kind, answer) if answer else observation.gone(Subject(kind, str(operation.subject)))
        )
        await self.finish(operation, gone)

    async def _known(self, operation: Operation, kind: Kind) -> str:
        """The path of the operation's subject at Stripe. Raises NotFound for what is not known here.

        An operation that is continued was let pass before; where its subject is gone, that may be its own doing.
        """
        if operation.fresh:
            async with self._database.connection() as connection:
                if await documents.read(connection, RESOURCES[kind], str(operation.subject)) is None:
                    raise NotFound(f"There is no {kind.value} {operation.subject!r}.")
        return f"{observation.PATHS[kind]}/{operation.subject}"

    async def claim_reference(self, operation: Operation, kind: Kind, params: JsonView) -> None:
        """Claim the caller's `reference` for what `operation` is about to create. Raises ReferenceTaken."""
        reference = params.get("reference")
        if reference is None:
            return
        async with self._database.connection() as connection:
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


async def _answer(connection: Connection, changes: Sequence[Change]) -> list[Written]:
    """Answer the operations among `changes` with the documents of what was just written. Raises LeaseLost.

    Where an object turned out to be deleted there is none, and the operation is not answered here.
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
    """What a DELETE answers."""
    return msgspec.json.encode({"id": object_id, "deleted": True}).decode()


def stripe_params(params: JsonView, *names: str) -> JsonObject:
    """The named ones of `params` as Stripe takes them: null unsets, an empty list clears, `reference` is metadata."""
    chosen = {name: cleared(params[name]) for name in names if name in params}
    metadata: JsonObject = {key: cleared(value) for key, value in (params.get("metadata") or {}).items()}
    if params.get("reference") is not None:
        metadata[REFERENCE] = params["reference"]
    if metadata:
        chosen["metadata"] = metadata
    return chosen


def cleared(value: object) -> object:
    """`value`, or the empty string by which Stripe is told to unset a field."""
    return "" if value is None or value == [] else value
