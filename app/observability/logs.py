"""The service's log: one JSON object a line on standard error, of bounded length, with nothing secret in it."""

import logging
import sys
import time

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from app.domain.redaction import redacted_json
from app.observability import trail

LONGEST_VALUE = 16_000
"""Characters of one value: more than any traceback has; what strangers send is longer."""


def _whose(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """On whose behalf the line is written, where it does not say so itself."""
    here = trail.current()
    if here is not None:
        for name, known in (("request_id", here.request_id), ("event_id", here.event_id)):
            if known and name not in event:
                event[name] = known
    return event


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
            _whose,
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
