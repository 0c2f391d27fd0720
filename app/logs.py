"""Owns how the service logs: one JSON object a line on standard error, and nothing secret in it."""

import logging
import re
import sys

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

SECRETS = re.compile(
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{4,}|whsec_[A-Za-z0-9+/=_-]{4,}|ik_(?:live|test)_[A-Za-z0-9_-]{8,}"
    r"|(?:pi|seti)_[A-Za-z0-9]+_secret_[A-Za-z0-9]+|plk_[0-9a-f]+\.[A-Za-z0-9_.-]+"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"  # a token of the identity provider
    r"|v[01]=[0-9a-f]{64}"  # a webhook's signature
    r"|[Bb]earer [A-Za-z0-9._~+/=-]{8,}|(?<=://)[^/@\s\"]*:[^/@\s\"]*(?=@)"  # a password in an address
    r"|[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"  # an email address
)
MARKS = ("_live_", "_test_", "whsec_", "_secret_", "plk_", "eyJ", "v1=", "v0=", "earer ", "@")
"""Whatever SECRETS finds has one of these in it; looking for them first costs a tenth."""
CARD = re.compile(r"(?<![\w.-])[2-6](?:[ -]?[0-9]){12,18}(?![\w.-])", re.ASCII)
"""Numbers as long as a card's; what fails the check digit of cards is something else."""
REDACTED = "[redacted]"


def redacted(text: str) -> str:
    """`text` without anything that looks like a key, a signature, a client secret, a link, an email address or a card."""
    if any(mark in text for mark in MARKS):
        text = SECRETS.sub(REDACTED, text)
    return CARD.sub(_unless_no_card, text)


def _unless_no_card(match: re.Match[str]) -> str:
    digits = [int(digit) for digit in match[0] if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return match[0] if (sum(digits[-1::-2]) + sum(doubled)) % 10 else REDACTED


def _rendered(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    """The line. What is secret is looked for once, in the whole of it, so that nothing nested escapes."""
    return redacted(msgspec.json.encode(event, enc_hook=repr).decode()).encode()


class _ToStructlog(logging.Handler):
    """Lets what libraries log come out like our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)


def configure(level: str) -> None:
    """Set logging up for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            _rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
