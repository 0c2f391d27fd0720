"""Logs, metrics and spans of events. One that asks Stripe ends after its batch and has its own log line."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import structlog
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.util.types import Attributes

from app.domain.changes import Change
from app.domain.events import FULFILLMENT
from app.domain.fulfillment import FulfillmentStatus
from app.inbox.statements import DueEvent
from app.observability import metrics, tracing

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class ClaimedEvent:
    """A claimed event. `outcome` is its latest outcome."""

    due: DueEvent
    taken_at: float
    span: Span
    outcome: str | None = None
    invoice: str | None = None

    @classmethod
    def out(cls, due: DueEvent, batch: Span) -> "ClaimedEvent":
        """Start the event's span. It continues the delivery's trace and links to the batch."""
        said: Attributes = {
            "event.id": due.id,
            "event.type": due.type,
            "event.attempt": due.attempts,
            "event.waited_s": due.waited_s,
        }
        delivery, beside = tracing.context_of(due.request_id), Link(batch.get_span_context())
        span = tracing.TRACER.start_span(f"event {due.type}", delivery, SpanKind.CONSUMER, said, [beside])
        return cls(due, time.perf_counter(), span)

    @property
    def waited_s(self) -> float:
        """Seconds since the delivery was acknowledged, by the database's clock."""
        return self.due.waited_s + time.perf_counter() - self.taken_at

    def ended(self, outcome: str) -> None:
        """Record the outcome of this try. After `asked` it continues beside the batch."""
        self.outcome = outcome
        metrics.EVENTS(metrics.family(self.due.type), outcome).inc()
        if outcome == "asked":
            return
        if outcome == "processed":
            metrics.EVENT_LATENCY.observe(self.waited_s)
        elif outcome not in {"ignored", "unknown"}:
            tracing.fail(self.span, outcome)
        self.span.set_attribute("event.outcome", outcome)
        if self.invoice:
            self.span.set_attribute("invoice.id", self.invoice)
        self.span.end()


@dataclass(slots=True)
class Batch:
    """One batch, as a context manager around its processing."""

    handed: list[ClaimedEvent]
    span: Span
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    def of(cls, due: Sequence[DueEvent]) -> "Batch":
        """Start the batch's span and those of its events."""
        span = tracing.TRACER.start_span("batch", attributes={"batch.events": len(due)})
        return cls([ClaimedEvent.out(one, span) for one in due], span)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        took = time.perf_counter() - self.started
        self.span.end()
        metrics.BATCH.observe(len(self.handed))
        metrics.BATCH_SECONDS.observe(took)
        events: dict[str, list[str]] = {}
        for one in self.handed:
            if one.outcome is None:  # the database was away: it comes due again when its lease ends
                one.ended("left")
            events.setdefault(str(one.outcome), []).append(one.due.id)
        invoices = sorted({one.invoice for one in self.handed if one.invoice})
        log.info("batch", ms=round(took * 1000, 1), count=len(self.handed), events=events, invoices=invoices)


def answered(handed: ClaimedEvent) -> None:
    """Log the end of an event that Stripe was asked about."""
    log.info(
        "event_answered",
        event_id=handed.due.id,
        type=handed.due.type,
        status=handed.outcome,
        request_id=handed.due.request_id,
        ms=round((time.perf_counter() - handed.taken_at) * 1000, 1),
        **({"invoice": handed.invoice} if handed.invoice else {}),
    )


def fulfillments(changes: Iterable[Change], handed: Iterable[ClaimedEvent]) -> None:
    """Count the changes of fulfillments in a committed batch, and the waiting time of the paid ones."""
    by_event = {one.due.id: one for one in handed}
    for change in changes:
        if change.was == change.became or change.subject != FULFILLMENT:
            continue
        metrics.FULFILLMENTS(change.became).inc()
        if change.became == FulfillmentStatus.FULFILLED and change.cause in by_event:
            metrics.FULFILLMENT_LATENCY.observe(by_event[change.cause].waited_s)
