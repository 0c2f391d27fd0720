"""Spans through OpenTelemetry's API. Until `start` sets a provider, nothing is collected and the SDK is not imported.

A span carries ids, names, codes and counts; never personal data, a secret, a raw path or an error's message.

While tracing is on, a request id made here is the `<trace id>-<span id>` of its request. It is stored in the inbox, in
operations and in the log anyway, so a job continues the trace of its request and a log line leads to its trace, at no
further cost.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Thread
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from app.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

STOP_WITHIN_S = 5.0
"""Seconds that a process waits at its end for a collector; the SDK would wait for 30."""
TRACED_ID = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
"""A request id that was made while tracing was on."""
PROPAGATED = ("traceparent", "tracestate")
TRACER = trace.get_tracer("invoicing", VERSION)
_PROPAGATOR = TraceContextTextMapPropagator()
_NOT_COLLECTED = nullcontext(INVALID_SPAN)
_provider: "TracerProvider | None" = None


def start(endpoint: str, service: str) -> None:
    """Send spans to the OTLP collector at `endpoint` from now on; an empty `endpoint` does nothing."""
    global _provider  # noqa: PLW0603 -- a process has one, as it has one log
    if endpoint and _provider is None:
        from app.observability import otlp  # noqa: PLC0415 -- 0.1 s and 4 MB that only tracing needs

        _provider = otlp.provider(endpoint, service, VERSION)
        trace.set_tracer_provider(_provider)


def stop() -> None:
    """Send the remaining spans and stop. Takes up to STOP_WITHIN_S if the collector is away."""
    global _provider
    provider, _provider = _provider, None
    if provider is not None:
        sending = Thread(target=provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_WITHIN_S)


def is_on() -> bool:
    return _provider is not None


def span(
    name: str, attributes: Attributes = None, *, kind: SpanKind = SpanKind.INTERNAL, context: Context | None = None
) -> AbstractContextManager[Span]:
    """Run the block in a span below `context`. An exception marks it as failed, without its message."""
    return _NOT_COLLECTED if _provider is None else _collected(name, attributes, kind, context)


@contextmanager
def _collected(name: str, attributes: Attributes, kind: SpanKind, context: Context | None) -> Iterator[Span]:
    begun = TRACER.start_span(name, context, kind, attributes)
    with trace.use_span(begun, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield begun
        except BaseException as error:
            fail(begun, str(getattr(error, "code", type(error).__name__)))
            raise


def fail(of: Span, what: str) -> None:
    """Mark a span as failed with a code or an error's class. Messages are left out, as they may quote personal data."""
    of.set_status(StatusCode.ERROR)
    of.set_attribute("error.type", what)


def request_id(of: Span) -> str | None:
    found = of.get_span_context()
    return f"{format_trace_id(found.trace_id)}-{format_span_id(found.span_id)}" if of.is_recording() else None


def context_of(request_id: str | None) -> Context | None:
    """The context of the span that a request id names; None if it names none."""
    found = TRACED_ID.fullmatch(request_id or "")
    if found is None:
        return None
    parent = SpanContext(
        int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
    return trace.set_span_in_context(NonRecordingSpan(parent), Context()) if parent.is_valid else None


def context_in(headers: Mapping[bytes, bytes]) -> Context:
    """The context in a request's W3C `traceparent`; empty if there is none."""
    carrier = {name: headers[name.encode()].decode("latin-1") for name in PROPAGATED if name.encode() in headers}
    return _PROPAGATOR.extract(carrier, Context())
