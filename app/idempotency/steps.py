"""Changes that operations make at Stripe: each step once, under a key of its own, whatever was tried before.

Where Stripe will execute nothing more under a key, because it stored a failure of its own there, or may have forgotten
the key, it is asked what became of the step: done, then it counts; not done, then the step gets its next key.
An operation that is being closed does nothing any more: it only finds out what was done.

Before each change the operation's lease is looked at: a runner that was taken over asks nothing more of Stripe.
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
from app.projection import observation
from app.stripe.client import Answer, StripeGateway

log = structlog.get_logger(__name__)

MOST_EVENTS = 2000
"""How many of Stripe's events are searched for a trace; with more than that, nothing is taken for proven."""
CLOCKS_DIFFER = timedelta(minutes=5)

Done = Callable[[JsonView], bool]


class NotDone(StripeError):
    """A step of an operation that is being closed never happened at Stripe."""


class Untold(StripeError):
    """There are too many events at Stripe to be sure what became of a step."""


class Steps:
    """Changes at Stripe on behalf of operations."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def post(
        self, operation: Operation, step: str, path: str, params: JsonView, *, of: str | None = None,
        done: Done | None = None,
    ) -> Answer:  # fmt: skip
        """POST `params` to `path` as `step` of `operation`.

        of: the path of the object that is changed (None: one is created); done: whether that object, as it is now,
        shows that the step was done. Raises StripeKeySpent where no key is left, NotDone where nothing may be done now.
        """
        if operation.closing:
            if found := await self._found(operation, step, path, params, of, done):
                return found
            raise NotDone(f"The step {step!r} did not happen at Stripe.")
        if operation.age > STRIPE_KEEPS_KEYS and (found := await self._found(operation, step, path, params, of, done)):
            return found
        while True:
            try:
                return await self._asked(operation, step, path, params)
            except StripeKeySpent:
                if found := await self._found(operation, step, path, params, of, done):
                    return found
                if operation.generation(step) + 1 >= MOST_GENERATIONS:
                    raise
                await self._next_key(operation, step)

    async def delete(self, operation: Operation, path: str) -> Answer | None:
        """DELETE `path`; None where it is gone already. A second time changes nothing, so it needs no key."""
        operation.require_lease()
        operation.touched = True
        try:
            if operation.closing:
                return await self._deleted(path)
            return await self._gateway.delete(path)
        except StripeInvalidRequest as error:
            if observation.is_gone(error):
                return None
            raise

    async def _deleted(self, path: str) -> Answer:
        """The stub that Stripe keeps of what was deleted. Raises NotDone where it is still there."""
        now = await self._gateway.get(path)
        if not now.data.get("deleted"):
            raise NotDone("It was not deleted at Stripe.")
        return now

    async def made_by(self, operation: Operation, step: str, path: str) -> str | None:
        """The id of the object that `step` (a POST to `path`) led to, as Stripe's events tell; None: it did not happen.

        One call may lead to events about several objects, so only the types that the step leads to are searched. Of a
        create that is one type about one kind of object. Raises Untold where there are too many events to be sure.
        """
        since = operation.created_at - CLOCKS_DIFFER
        query = {"created": {"gte": int(since.timestamp())}, "types": list(traces.of(step, path))}
        seen = 0
        async for event in self._gateway.pages("/v1/events", query):
            if (event.get("request") or {}).get("idempotency_key") == operation.stripe_key(step):
                found: str = event["data"]["object"]["id"]
                return found
            seen += 1
            if seen >= MOST_EVENTS:
                raise Untold("What became of the request at Stripe cannot be told yet.", retry_after=60)
        return None

    async def _asked(self, operation: Operation, step: str, path: str, params: JsonView) -> Answer:
        operation.require_lease()
        before, operation.touched = operation.touched, True
        try:
            return await self._gateway.post(path, params, key=operation.stripe_key(step))
        except InvoicingError as error:
            operation.touched = before or error.unsure
            raise

    async def _found(
        self, operation: Operation, step: str, path: str, params: JsonView, of: str | None, done: Done | None
    ) -> Answer | None:
        """The object that `step` changed, as it is now; None where the step did not happen."""
        expand: JsonObject = {"expand": params["expand"]} if "expand" in params else {}
        if of and done:  # first what one look tells: Stripe's events may be too many to be searched
            now = await self._gateway.get(of, expand)
            if done(now.data):
                return replace(now, looked_up=True)
        made = await self.made_by(operation, step, path)
        if not made:
            return None
        return replace(await self._gateway.get(of or f"{path}/{made}", expand), looked_up=True)

    async def _next_key(self, operation: Operation, step: str) -> None:
        """Move `step` on to its next key; recorded first, so that every later runner uses it, too."""
        generations = {**operation.progress.get("generations", {}), step: operation.generation(step) + 1}
        log.warning("stripe_key_spent", operation=str(operation.id), step=step, generation=generations[step])
        async with self._database.connection() as connection:
            await operation.advance(connection, generations=generations)
