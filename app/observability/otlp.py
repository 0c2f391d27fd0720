"""Owns OpenTelemetry: spans as its SDK makes them, sent in batches over OTLP/HTTP from a thread of the SDK's.

Imported by tracing.py alone, and only where tracing is on. A collector that is away costs the spans, and nothing else.
What can be said in the SDK's own variables (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES,
OTEL_BSP_…) is read by the SDK.
"""

import re
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Self

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.observability.spans import Kind, Value

KINDS = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
TRACED_ID = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
"""A request id that was made while tracing was on."""
PROPAGATED = ("traceparent", "tracestate")
EXPORT_WITHIN_S = 5
STOP_WITHIN_S = 5.0
"""How long the end of a process may wait for a collector that does not take the last spans."""


class Exported:
    """A span of the SDK's."""

    __slots__ = ("_entered", "_span")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._entered: AbstractContextManager[trace.Span] | None = None

    @property
    def request_id(self) -> str | None:
        """Its trace's id and its own, where it is collected."""
        found = self._span.get_span_context()
        return f"{found.trace_id:032x}-{found.span_id:016x}" if found.trace_flags.sampled else None

    def __enter__(self) -> Self:
        self._entered = self.active()
        self._entered.__enter__()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if self._entered is not None:
            self._entered.__exit__(None, None, None)
        if error is not None:
            self.fail(str(getattr(error, "code", type(error).__name__)))
        self.end()

    def name(self, name: str) -> None:
        """Call it so."""
        self._span.update_name(name)

    def set(self, attributes: Mapping[str, Value | None]) -> None:
        """Say more."""
        self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def fail(self, what: str) -> None:
        """It failed; the message stays out, for it may quote what it was about."""
        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", what)

    def active(self) -> AbstractContextManager[trace.Span]:
        """Make it the current one."""
        return trace.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def end(self) -> None:
        """It is over."""
        if self._span.is_recording():
            self._span.end()


class Exporting:
    """The tracer that sends what it collects."""

    def __init__(self, endpoint: str, service: str, version: str) -> None:
        resource = Resource.create({"service.name": service, "service.version": version})
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_WITHIN_S)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("invoicing", version)
        self._propagator = TraceContextTextMapPropagator()

    def begin(
        self, name: str, kind: Kind, parent: str | Mapping[bytes, bytes] | None, link: str | None, started_ns: int | None,
        attributes: Mapping[str, Value | None],
    ) -> Exported:  # fmt: skip
        """A span of the SDK's."""
        linked = _context_of(link)
        span = self._tracer.start_span(
            name,
            context=self._parent(parent),
            kind=KINDS[kind],
            attributes={key: value for key, value in attributes.items() if value is not None},
            links=[Link(linked)] if linked else (),
            start_time=started_ns,
            record_exception=False,
            set_status_on_exception=False,
        )
        return Exported(span)

    def _parent(self, parent: str | Mapping[bytes, bytes] | None) -> contexts.Context | None:
        """The context a span begins in; None for the current one."""
        if isinstance(parent, str):
            found = _context_of(parent)
            return trace.set_span_in_context(NonRecordingSpan(found)) if found else None
        if parent is None:
            return None
        carrier = {name: value for name in PROPAGATED if (value := parent.get(name.encode(), b"").decode("latin-1"))}
        return self._propagator.extract(carrier, contexts.Context())

    def stop(self) -> None:
        """Send what is left, if that can be done soon: the SDK itself would wait for half a minute."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_WITHIN_S)


def _context_of(request_id: str | None) -> SpanContext | None:
    """The span that a request id names."""
    found = TRACED_ID.fullmatch(request_id or "")
    if found is None:
        return None
    context = SpanContext(
        int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
    return context if context.is_valid else None
