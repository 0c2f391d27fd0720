"""Owns where spans begin and end, whether anybody collects them or not.

Without tracing nothing that collects is imported (the API alone is, by FastAPI itself). A span carries ids, names, codes and counts; never a person's data, a secret, a raw path, or an error's message.

While tracing is on, a request id that is made here is `<trace id>-<span id>` of its request. It stands in the inbox, in
operations and in the log anyway, so that a job continues the trace of the request that left it behind, and a line of
the log leads to its trace, at no further cost.
"""

from collections.abc import Mapping
from typing import Self

from app.observability.spans import Kind, Span, Tracer, Value


class _Nothing:
    """The span that nobody collects."""

    __slots__ = ()
    request_id = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        pass

    def name(self, name: str) -> None:
        pass

    def set(self, attributes: Mapping[str, Value | None]) -> None:
        pass

    def fail(self, what: str) -> None:
        pass

    def active(self) -> Self:
        return self

    def end(self) -> None:
        pass


NOTHING: Span = _Nothing()
NONE: Mapping[str, Value | None] = {}
_tracer: Tracer | None = None


def start(endpoint: str, service: str, version: str) -> None:
    """Collect spans from here on, for the OTLP collector at `endpoint`; without one nothing happens."""
    global _tracer  # noqa: PLW0603 -- a process has one, as it has one log
    if endpoint and _tracer is None:
        from app.observability.otlp import Exporting  # noqa: PLC0415 -- a tenth of a second and 4 MB that only tracing needs

        _tracer = Exporting(endpoint, service, version)


def stop() -> None:
    """Hand over what is left, and collect no more. Takes seconds where the collector is away."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.stop()


def is_on() -> bool:
    """Whether spans are collected: for what is worth doing only then."""
    return _tracer is not None


def begin(
    name: str,
    attributes: Mapping[str, Value | None] = NONE,
    *,
    kind: Kind = "internal",
    parent: str | Mapping[bytes, bytes] | None = None,
    link: str | None = None,
    started_ns: int | None = None,
) -> Span:
    """A span under the current one, or under `parent`: a request id, or headers with a W3C `traceparent`.

    link: the request id of something else it has to do with. `with begin(…)` makes it current and ends it; otherwise
    whoever began it ends it.
    """
    if _tracer is None:
        return NOTHING
    return _tracer.begin(name, kind, parent, link, started_ns, attributes)
