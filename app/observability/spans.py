"""Owns what a span is, and who collects spans: the words that tracing.py and otlp.py have in common."""

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


class Tracer(Protocol):
    """Who collects spans: otlp.py."""

    def begin(
        self, name: str, kind: Kind, parent: str | Mapping[bytes, bytes] | None, link: str | None, started_ns: int | None,
        attributes: Mapping[str, Value | None],
    ) -> Span: ...  # fmt: skip

    def stop(self) -> None:
        """Hand over what is left."""
