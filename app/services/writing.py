"""Owns write-through: what Stripe answered to our own call becomes our rows, and the answer to the caller, at once.

The webhook about the same change may come before or after; whichever way, the same rows result (see ledger.py).
"""

from collections.abc import Awaitable, Callable

import msgspec

from app.db import documents, references
from app.db.documents import Resource
from app.db.engine import Connection, Database
from app.domain.errors import IdempotencyInProgress, NotFound, ReferenceTaken, StripeUnavailable
from app.domain.json import JsonObject, JsonView
from app.services import observing
from app.services.ledger import Incomplete, Ledger, Subject, Unordered
from app.services.operations import Operation
from app.services.steps import Steps
from app.stripe_gateway.client import StripeGateway
from app.stripe_gateway.mapping import REFERENCE, Kind, Snapshot

RESOURCES: dict[Kind, Resource] = {
    Kind.PRODUCT: documents.PRODUCT,
    Kind.PRICE: documents.PRICE,
    Kind.CUSTOMER: documents.CUSTOMER,
    Kind.INVOICE: documents.INVOICE,
}

Then = Callable[[Connection], Awaitable[None]]


class Writer:
    """Writes snapshots through, together with what must commit with them."""

    def __init__(self, database: Database, gateway: StripeGateway, steps: Steps) -> None:
        self._database = database
        self._gateway = gateway
        self._steps = steps

    async def write(self, snapshot: Snapshot, cause: str, then: Then | None = None) -> None:
        """Apply `snapshot` and do `then` in one transaction; `cause` is put down beside what changes.

        Where the webhook was faster and times cannot tell which is newer, Stripe is asked, and that counts. Raises
        StripeUnavailable where others change the object faster than Stripe answers: asked again, the request continues.
        """
        subject = Subject(snapshot.kind, snapshot.id)
        looks = 0
        while True:
            try:
                await self._commit(subject, snapshot, cause, then)
            except Unordered as question:
                looks += 1
                if looks > observing.MOST_LOOKS:
                    raise StripeUnavailable(
                        f"Others keep changing {subject.id} while Stripe is asked about it; ask again, and this continues.",
                        retry_after=1,
                    ) from question
                snapshot = await self._clarified(snapshot, question)
            else:
                return

    async def _clarified(self, snapshot: Snapshot, question: Unordered) -> Snapshot:
        """What `question` wants to have in the place of `snapshot`."""
        if isinstance(question, Incomplete):
            await observing.complete(self._gateway, snapshot)
            return snapshot
        observed = await observing.observe(self._gateway, question.subject, question.over)
        observed.links = observed.links or snapshot.links
        return observed

    async def _commit(self, subject: Subject, snapshot: Snapshot, cause: str, then: Then | None) -> None:
        async with self._database.unit_of_work() as connection:
            ledger = await Ledger.of(connection, [subject], cause=cause)
            ledger.apply(snapshot)
            await ledger.flush()
            if then:
                await then(connection)

    async def finish(self, operation: Operation, snapshot: Snapshot, status: int = 200) -> None:
        """Write `snapshot` through and answer with the document of its object."""
        operation.subject = snapshot.id

        async def then(connection: Connection) -> None:
            document = deleted_document(snapshot.id)
            if not snapshot.deleted:
                document = await documents.read(connection, RESOURCES[snapshot.kind], snapshot.id) or "null"
            await operation.finish(connection, status, document)

        await self.write(snapshot, str(operation.id), then)

    async def create(self, operation: Operation, kind: Kind, params: JsonView, wanted: JsonView) -> None:
        """Create an object at Stripe from the Stripe parameters `wanted`, under the caller's reference if there is one."""
        await self.claim_reference(operation, kind, params)
        answer = await self._steps.post(operation, "create", observing.PATHS[kind], wanted)
        await self.finish(operation, observing.snapshot_of(kind, answer), 201)

    async def update(self, operation: Operation, kind: Kind, wanted: JsonView) -> None:
        """Change the operation's subject at Stripe."""
        path = await self._known(operation, kind)
        answer = await self._steps.post(operation, "update", path, wanted, of=path)
        await self.finish(operation, observing.snapshot_of(kind, answer))

    async def delete(self, operation: Operation, kind: Kind) -> None:
        """Delete the operation's subject at Stripe; one that is gone there already is deleted here."""
        path = await self._known(operation, kind)
        answer = await self._steps.delete(operation, path)
        gone = observing.snapshot_of(kind, answer) if answer else observing.gone(Subject(kind, str(operation.subject)))
        await self.finish(operation, gone)

    async def _known(self, operation: Operation, kind: Kind) -> str:
        """The path of the operation's subject at Stripe. Raises NotFound for what is not known here.

        An operation that is continued was let pass before; where its subject is gone, that may be its own doing.
        """
        if operation.fresh:
            async with self._database.connection() as connection:
                if await documents.read(connection, RESOURCES[kind], str(operation.subject)) is None:
                    raise NotFound(f"There is no {kind.value} {operation.subject!r}.")
        return f"{observing.PATHS[kind]}/{operation.subject}"

    async def claim_reference(self, operation: Operation, kind: Kind, params: JsonView) -> None:
        """Claim the caller's `reference` for what `operation` is about to create. Raises ReferenceTaken."""
        reference = params.get("reference")
        if reference is None:
            return
        async with self._database.connection() as connection:
            claim = await references.claim(connection, kind.value, reference, operation.id)
        if claim.ours:
            return
        if claim.object_id is None:
            raise IdempotencyInProgress(f"Another request is creating reference {reference!r}.", retry_after=1)
        raise ReferenceTaken(
            f"The reference {reference!r} belongs to {claim.object_id}.",
            param="reference",
            extra={"existing": claim.object_id},
        )


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
