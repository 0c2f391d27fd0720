"""Secrets and people's data are cut out of log lines, of problem documents and of stored errors. Pure.

Every pattern takes time in proportion to its text, whatever the text is: it starts only where a run of characters
starts, or at a fixed word, and never gives back what it took (`++`). A text that comes from outside is first cut to a
bound. JSON is redacted value by value, never as text, so that it stays JSON.
"""

import re
from typing import Any

import msgspec

SECRETS = re.compile(
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{4,}|whsec_[A-Za-z0-9+/=_-]{4,}|ik_(?:live|test)_[A-Za-z0-9_-]{8,}"
    r"|(?:pi|seti)_[A-Za-z0-9]++_secret_[A-Za-z0-9]+|plk_[0-9a-f]++\.[A-Za-z0-9_.-]+"
    r"|v[01]=[0-9a-f]{64}"  # a webhook's signature
    r"|[Bb]earer [A-Za-z0-9._~+/=-]{8,}|(?<=://)[^/@\s\":]*+:[^/@\s\"]*+(?=@)"  # a password in an address
)
TOKENS = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*?eyJ[A-Za-z0-9_-]{8})[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++"
)
"""A token of the identity provider, with whatever letters stand right before it."""
EMAILS = re.compile(r"(?<![A-Za-z0-9._%+'-])[A-Za-z0-9._%+'-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++")
MARKS = {
    SECRETS: ("_live_", "_test_", "whsec_", "_secret_", "plk_", "v1=", "v0=", "earer ", "@"),
    TOKENS: ("eyJ",),
    EMAILS: ("@",),
}
"""A text in which a pattern finds something has one of its marks; looking for them first costs a tenth."""
CARD = re.compile(r"[2-6](?<![\w.-].)(?:[ -]?[0-9]){12,18}(?![\w.-])", re.ASCII)
"""Numbers as long as a card's; what fails the check digit of cards is something else.

It looks behind only once it stands on a digit: looking everywhere cost half a line of the log.
"""
REDACTED = "[redacted]"
CUT = "[…]"
DELIMITERS = ' \n\t/"&?,;{}[]()<>'
MOST_ENTRIES = 100
"""Entries of a list or an object that are written down."""


def redacted(text: str) -> str:
    """`text` without anything that looks like a key, a signature, a client secret, a link, an email address or a card."""
    for pattern, marks in MARKS.items():
        if any(mark in text for mark in marks):
            text = pattern.sub(REDACTED, text)
    return CARD.sub(_unless_no_card, text)


def redacted_json(document: bytes, most: int) -> bytes:
    """A JSON document without secrets in any depth, names included; texts in it have at most `most` characters.

    A document that is short and holds nothing suspicious is returned as it is.
    """
    text = document.decode()
    if len(text) <= most and redacted(text) == text:
        return document
    return msgspec.json.encode(_without_secrets(msgspec.json.decode(document), most))


def cut(text: str, most: int) -> str:
    """The beginning of `text` where it is longer than `most`; no part of a word, for half a secret looks like none."""
    if len(text) <= most:
        return text
    end = max(text.rfind(mark, 0, most) for mark in DELIMITERS) + 1
    return text[:end] + CUT


def _without_secrets(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return redacted(cut(value, most))
    if isinstance(value, dict):
        pairs = list(value.items())[:MOST_ENTRIES]
        return {_without_secrets(name, most): _without_secrets(entry, most) for name, entry in pairs}
    if isinstance(value, list):
        return [_without_secrets(entry, most) for entry in value[:MOST_ENTRIES]]
    if isinstance(value, int) and redacted(str(value)) == REDACTED:
        return REDACTED
    return value


def _unless_no_card(match: re.Match[str]) -> str:
    digits = [int(digit) for digit in match[0] if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return match[0] if (sum(digits[-1::-2]) + sum(doubled)) % 10 else REDACTED
