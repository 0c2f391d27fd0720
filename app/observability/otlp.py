"""OpenTelemetry's SDK and its OTLP/HTTP exporter. Only tracing.py imports this module, and only where tracing is on.

A thread of the SDK's sends spans in batches. A collector that is away costs the spans, and nothing else. The SDK reads
its own variables: OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_….
"""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

EXPORT_WITHIN_S = 5


def provider(endpoint: str, service: str, version: str) -> TracerProvider:
    """A provider whose spans are sent to the collector at `endpoint`, as those of `service`."""
    resource = Resource.create({"service.name": service, "service.version": version})
    made = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_WITHIN_S)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made
