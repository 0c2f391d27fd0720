"""Owns where spans begin and end, whether anybody collects them or not.

Without tracing nothing that collects is imported (the API alone is, by FastAPI itself). A span carries ids, names, codes and counts; never a person's data, a secret, a raw path, or an error's message.

While tracing is on, a request id that is made here is `<trace id>-<span id>` of its request. It stands in the inbox, in
operations and in the log anyway, so that a job continues the trace of the request that left it behind, and a line of
the log leads to its trace, at no further cost.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol, Self

Value = str | int | float | bool
Kind = Literal["server", "client", "producer", "consumer", "internal"]


class Span(Protocol):
    """A piece of work with a beginning and an end. As a context manager it is the current one, and ends with the block."""

    @property
    def request_id(self) -> str | None:
        """What a request id says of this span; None where nobody collects it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None: ...

    def name(self, name: str) -> None:
        """Call it so, where that was not known before."""

    def set(self, attributes: Mapping[str, Value | None]) -> None:
        """Say more; None says nothing."""

    def fail(self, what: str) -> None:
        """It failed: a code or an error's class."""

    def active(self) -> AbstractContextManager[object]:
        """Make it the current span for a while; it goes on afterwards."""

    def end(self) -> None:
        """It is over, however often this is said."""


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


class Tracer(Protocol):
    """Who collects spans: otlp.py."""

    def begin(
        self, name: str, kind: Kind, parent: str | Mapping[bytes, bytes] | None, link: str | None, started_ns: int | None,
        attributes: Mapping[str, Value | None],
    ) -> Span: ...  # fmt: skip

    def stop(self) -> None:
        """Hand over what is left."""


NOTHING: Span = _Nothing()
NONE: Mapping[str, Value | None] = {}
_tracer: Tracer | None = None


def start(endpoint: str, service: str, version: str) -> None:
    """Collect spans from here on, for the OTLP collector at `endpoint`; without one nothing happens."""
    global _tracer  # noqa: PLW0603 -- a process has one, as it has one log
    if endpoint and _tracer is None:
        from app.otlp import Exporting  # noqa: PLC0415 -- a tenth of a second and 4 MB that only tracing needs

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
