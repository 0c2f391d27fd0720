"""Logging: one JSON object per line on standard error, of bounded length, without secrets.

The ids bound to the log context of a request or job are added to each of its lines. Only ids are bound.
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
"""The most ids of Stripe calls in one line. A pass over everything makes thousands."""
LONGEST_VALUE = 16_000
"""The most characters of one value. It is longer than any traceback; strangers may send more."""


@contextmanager
def context(**ids: str | None) -> Iterator[None]:
    """Begin a log context with `ids`. It ends with the block."""
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
    """Bind the invoice that is worked on; other objects are not bound."""
    if subject and subject.startswith("in_"):
        bind_contextvars(invoice=subject)


def runs(operation: UUID) -> None:
    """Bind the operation of a write. We choose its id, while the sender may choose the request's."""
    bind_contextvars(operation=str(operation))


class Clock:
    """Adds the time in UTC. The text of a second is formatted once."""

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
    """Encode the line. The whole line is redacted, so that nested secrets are found, too."""
    return redacted_json(msgspec.json.encode(event, enc_hook=repr), LONGEST_VALUE)


class _ToStructlog(logging.Handler):
    """Passes the log records of libraries on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)


def configure(level: str) -> None:
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
