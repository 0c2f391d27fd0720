"""The completer finishes or undoes operations that no process runs any more.

It runs the stored request through its use case, with the same Stripe keys, as the caller's own retry would. After an
hour it does nothing new: what was done at Stripe becomes the answer, and what was half done is undone. A create without
an Idempotency-Key is undone at once, because its caller cannot retry it. A local operation changes only this database,
in one transaction; an unanswered one has done nothing and is deleted.

An operation with an unknown name belongs to another release. It is left alone, as only that release knows what it may
have done at Stripe.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta

import structlog
from opentelemetry.trace import SpanKind

from app.db.engine import Database
from app.domain.errors import InvoicingError, Refused, StripeError
from app.domain.idempotency import COMPLETION, STRIPE_KEEPS_KEYS
from app.domain.json import JsonView
from app.idempotency import statements as idempotency_statements
from app.idempotency.operations import Answer, Operation, Operations, UseCase
from app.idempotency.statements import Stored
from app.idempotency.steps import NotDone, OutcomeUnknown
from app.jobs.loop import JobLoop, side_by_side
from app.observability import logs, metrics, tracing

log = structlog.get_logger(__name__)

AT_ONCE = 8

UNDONE = "This request was interrupted and could not be finished; what it began was undone."
NOTHING_DONE = "This request was interrupted and could not be finished; nothing was done at Stripe."
UNTOLD = "This request was interrupted, and what became of it at Stripe cannot be told; look at the object."

Undo = Callable[[Operation, InvoicingError], Awaitable[None]]


class Completer:
    """Finishes operations through the use cases of their names; `undo` undoes half-done ones, by the same names.

    `local` are the names of operations that change only this database.
    """

    def __init__(
        self,
        database: Database,
        running: Operations,
        *,
        use_cases: Mapping[str, UseCase],
        undo: Mapping[str, Undo],
        local: Collection[str],
        grace: timedelta,
        poll_s: float,
    ) -> None:
        self._database = database
        self._running = running
        self._use_cases = use_cases
        self._undo = undo
        self._known = [*use_cases, *local]
        self._grace = grace
        loop = JobLoop("operations", self.run_once, poll_s=poll_s)
        self.run, self.stop = loop.run, loop.stop

    async def run_once(self) -> int:
        """Take over a few abandoned operations. Returns how many."""
        async with self._database.connection() as connection:
            left = await idempotency_statements.claim_unfinished(
                connection, self._known, AT_ONCE, self._running.lease, self._grace
            )
        return await side_by_side("operations", {str(stored.id): self._settle(stored) for stored in left})

    async def _settle(self, stored: Stored) -> None:
        """Settle one operation, or leave it with the reason for a later try."""
        if stored.name not in self._use_cases:  # a local operation
            async with self._database.connection() as connection:
                await idempotency_statements.forget(connection, stored.id, stored.takeovers)
            return
        finishing = stored.idempotency_key is not None and stored.age < COMPLETION
        started = time.perf_counter()
        named = {"operation.name": stored.name, "operation.id": str(stored.id)}
        request = tracing.context_of(stored.request_id)
        with logs.context(request_id=stored.request_id):
            with tracing.span("completion", named, kind=SpanKind.CONSUMER, context=request) as span:
                ended, outcome = await self._carry_out(stored, finishing=finishing)
                span.set_attribute("completion.outcome", ended)
            log.info(
                "operation_completed",
                operation=str(stored.id),
                name=stored.name,
                finishing=finishing,
                outcome=outcome,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        metrics.COMPLETIONS(ended).inc()

    async def _carry_out(self, stored: Stored, *, finishing: bool) -> tuple[str, str]:
        """Finish or undo an operation. Returns the outcome for the metric and for the log."""
        ended = "finished" if finishing else "undone"
        try:
            await self._running.carry_out(stored, self._use_cases[stored.name] if finishing else self._undoing(stored))
        except Refused as refusal:
            return ended, refusal.code
        except Exception as error:  # noqa: BLE001 -- one operation's fault must not stop the others
            return "failed", f"{type(error).__name__}: {error}"
        return ended, "done"

    def _undoing(self, stored: Stored) -> UseCase:
        """A use case that answers with what was done at Stripe, and undoes what was half done.

        An operation that nobody can retry is undone at once, because its answer would reach nobody.
        """
        undo = self._undo.get(stored.name)

        async def close(operation: Operation, params: JsonView) -> Answer:
            error = StripeError(UNDONE if undo else NOTHING_DONE)
            if stored.idempotency_key is not None or undo is None:
                operation.closing = True
                try:
                    return await self._use_cases[stored.name](operation, params)
                except NotDone:
                    pass
                except OutcomeUnknown:  # what can be undone is; of anything else it is tried for a day to find out
                    if not undo and stored.idempotency_key and operation.age < STRIPE_KEEPS_KEYS:
                        raise
                    error = StripeError(UNDONE if undo else UNTOLD)
                operation.closing = False
            if undo:
                try:
                    await undo(operation, error)
                except OutcomeUnknown:  # what there is to undo is searched for a day; then nobody waits any longer
                    if operation.age < STRIPE_KEEPS_KEYS:
                        raise
                    error = StripeError(UNTOLD)
            return await self._running.refuse(operation, error)

        return close
