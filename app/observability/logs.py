"""The log: one JSON object a line on standard error, of bounded length, with nothing secret in it.

What a request or a job binds to its log context stands in each line that is written on its behalf. Only ids are bound.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars, merge_contextvars
from structlog.typing import EventDict, WrappedLogger

from app.domain.redaction import redacted_json

MOST_CALLS = 20
"""Ids of calls to Stripe that a line names; a pass over everything makes thousands."""
LONGEST_VALUE = 16_000
"""Characters of one value: more than any traceback has; what strangers send is longer."""


@contextmanager
def context(**ids: str | None) -> Iterator[None]:
    """Begin a log context with `ids`; it ends with the block, and so does what is bound in the block."""
    clear_contextvars()
    bind_contextvars(**ids)
    try:
        yield
    finally:
        clear_contextvars()


def called_stripe(request_id: str) -> None:
    """Add the id under which Stripe answered a call."""
    known = get_contextvars().get("stripe_requests", [])
    if len(known) < MOST_CALLS:
        bind_contextvars(stripe_requests=[*known, request_id])


def about(subject: str | None) -> None:
    """Bind the object that is worked on, where it is an invoice."""
    if subject and subject.startswith("in_"):
        bind_contextvars(invoice=subject)


def runs(operation: UUID) -> None:
    """Bind the operation that a write is. Its id is ours alone, as the request's, which its sender may choose, is not."""
    bind_contextvars(operation=str(operation))


class Clock:
    """Puts down the time, in UTC. What does not change within a second is written once."""

    def __init__(self) -> None:
        self._second = 0
        self._written = ""

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._written = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        event["timestamp"] = f"{self._written}.{int((now - second) * 1_000_000):06d}Z"
        return event


def _rendered(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    """The line. What is secret is looked for in the whole of it, so that nothing nested escapes."""
    return redacted_json(msgspec.json.encode(event, enc_hook=repr), LONGEST_VALUE)


class _ToStructlog(logging.Handler):
    """Lets what libraries log come out like our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)


def configure(level: str) -> None:
    """Set logging up for this process."""
    structlog.configure(
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            Clock(),
            structlog.processors.format_exc_info,
            _rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
