"""OpenTelemetry's SDK with its OTLP/HTTP exporter. tracing.py imports it only if tracing is on.

A thread of the SDK sends spans in batches. If the collector is away, spans are lost and nothing else. The SDK reads its
own variables: OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_….
"""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

EXPORT_WITHIN_S = 5


def provider(endpoint: str, service: str, version: str) -> TracerProvider:
    """A provider that sends spans of `service` to the collector at `endpoint`."""
    resource = Resource.create({"service.name": service, "service.version": version})
    made = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_WITHIN_S)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made
