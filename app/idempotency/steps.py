"""Changes that operations make at Stripe: each step happens once, under its own idempotency key.

A key is spent if Stripe stored a failure of its own under it, or may have forgotten it. Then Stripe is asked whether
the step was done. If it was, it counts; if not, the step gets its next key. An operation that is closing does nothing
new: it only finds out what was done. Before each change the lease is checked, so that a runner that was taken over does
not ask Stripe any more.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from app.db.engine import Database
from app.domain.errors import InvoicingError, StripeError, StripeInvalidRequest, StripeKeySpent
from app.domain.idempotency import MOST_GENERATIONS, STRIPE_KEEPS_KEYS
from app.domain.json import JsonObject, JsonView
from app.idempotency import traces
from app.idempotency.operations import Operation
from app.stripe.client import Answer, StripeGateway

log = structlog.get_logger(__name__)

MOST_EVENTS = 2000
"""The most of Stripe's events that are searched for a step; with more, nothing is proven."""
CLOCKS_DIFFER = timedelta(minutes=5)

Done = Callable[[JsonView], bool]


class NotDone(StripeError):
    """The operation is closing, and this step did not happen at Stripe."""


class OutcomeUnknown(StripeError):
    """Stripe has too many events to tell whether a step happened."""


class Steps:
    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def post(
        self, operation: Operation, step: str, path: str, params: JsonView, *, of: str | None = None,
        done: Done | None = None,
    ) -> Answer:  # fmt: skip
        """POST `params` to `path` as `step` of `operation`.

        `of` is the path of the object that is changed; None if one is created. `done` says whether that object, as it
        is now, shows that the step was done. Raises StripeKeySpent if no key is left, and NotDone if the operation is
        closing.
        """
        if operation.closing:
            if found := await self._found(operation, step, path, params, of, done):
                return found
            raise NotDone(f"The step {step!r} did not happen at Stripe.")
        if operation.age > STRIPE_KEEPS_KEYS and (found := await self._found(operation, step, path, params, of, done)):
            return found
        while True:
            operation.require_lease()
            before, operation.touched = operation.touched, True
            try:
                return await self._gateway.post(path, params, key=operation.stripe_key(step))
            except InvoicingError as error:
                operation.touched = before or error.unsure
                if not isinstance(error, StripeKeySpent):
                    raise
                if found := await self._found(operation, step, path, params, of, done):
                    return found
                if operation.generation(step) + 1 >= MOST_GENERATIONS:
                    raise
                await self._next_key(operation, step)

    async def delete(self, operation: Operation, path: str) -> Answer | None:
        """DELETE `path`; None if it is gone already. Repeating it changes nothing, so it needs no key."""
        operation.require_lease()
        operation.touched = True
        try:
            if not operation.closing:
                return await self._gateway.delete(path)
            stub = await self._gateway.get(path)  # Stripe keeps one of what is deleted
        except StripeInvalidRequest as error:
            if error.object_missing:
                return None
            raise
        if not stub.data.get("deleted"):
            raise NotDone("It was not deleted at Stripe.")
        return stub

    async def made_by(self, operation: Operation, step: str, path: str) -> str | None:
        """The id of the object that `step` (a POST to `path`) changed, from Stripe's events; None if it did not happen.

        Only the event types that the step leads to are searched; for a create that is one type about one kind of
        object. Raises Untold if there are too many events.
        """
        since = int((operation.created_at - CLOCKS_DIFFER).timestamp())
        if path in traces.LISTED:
            return await self._listed(operation, traces.LISTED[path], since)
        types = list(traces.of(step, path))
        if not types:
            return None
        query = {"created": {"gte": since}, "types": types}
        seen = 0
        async for event in self._gateway.pages("/v1/events", query):
            if (event.get("request") or {}).get("idempotency_key") == operation.stripe_key(step):
                found: str = event["data"]["object"]["id"]
                return found
            seen += 1
            if seen >= MOST_EVENTS:
                raise OutcomeUnknown("What became of the request at Stripe cannot be told yet.", retry_after=60)
        return None

    async def _listed(self, operation: Operation, path: str, since: int) -> str | None:
        """The id of the object in the list at `path` that `operation` made, of which no event tells."""
        async for made in self._gateway.pages(path, {"created_after": since}):
            if made["metadata"].get(traces.OPERATION) == str(operation.id):
                return str(made["id"])
        return None

    async def _found(
        self, operation: Operation, step: str, path: str, params: JsonView, of: str | None, done: Done | None
    ) -> Answer | None:
        """The object that `step` changed, as it is now; None if the step did not happen."""
        expand: JsonObject = {"expand": params["expand"]} if "expand" in params else {}
        if of and done:  # first what one look tells: Stripe's events may be too many to be searched
            now = await self._gateway.get(of, expand)
            if done(now.data):
                return replace(now, looked_up=True)
        made = await self.made_by(operation, step, path)
        if not made:
            return None
        return replace(await self._gateway.get(of or f"{traces.LISTED.get(path, path)}/{made}", expand), looked_up=True)

    async def _next_key(self, operation: Operation, step: str) -> None:
        """Give `step` its next key. It is recorded before it is used, so that later runners use it, too."""
        generations = {**operation.progress.get("generations", {}), step: operation.generation(step) + 1}
        log.warning("stripe_key_spent", operation=str(operation.id), step=step, generation=generations[step])
        async with self._database.connection() as connection:
            await operation.advance(connection, generations=generations)
