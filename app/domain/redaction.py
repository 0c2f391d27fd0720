"""Removes secrets and personal data from log lines, problem documents and stored errors. Pure.

Each pattern takes linear time for any text: it starts only at the start of a run of characters or at a fixed word, and
its quantifiers are possessive (`++`). Text from outside is cut to a bound first. JSON is redacted value by value, so
that it stays JSON.
"""

import re
from typing import Any

import msgspec

PAYERS = (
    ("_secret_", re.compile(r"pi_[A-Za-z0-9]++_secret_[A-Za-z0-9]+")),
    ("_secret_", re.compile(r"seti_[A-Za-z0-9]++_secret_[A-Za-z0-9]+")),
    ("_secret_", re.compile(r"src_client_secret_[A-Za-z0-9]+")),
    ("plk_", re.compile(r"plk_[0-9a-f]++\.[A-Za-z0-9_.-]+")),
    ("prtl_", re.compile(r"prtl_[0-9a-f]++\.[A-Za-z0-9_.-]+")),
)
"""What lets its holder pay: client secrets, and the tokens of links. Each pattern has a mark that its matches contain.

Each begins with fixed letters, which are searched for five times faster than alternatives.
"""
SECRETS = re.compile(
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{4,}|whsec_[A-Za-z0-9+/=_-]{4,}|ik_(?:live|test)_[A-Za-z0-9_-]{8,}"
    rf"|{'|'.join(pattern.pattern for _, pattern in PAYERS)}"
    r"|v[01]=[0-9a-f]{64}"  # a webhook's signature
    r"|[Bb]earer [A-Za-z0-9._~+/=-]{8,}|(?<=://)[^/@\s\":]*+:[^/@\s\"]*+(?=@)"  # a password in an address
)
TOKENS = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*?eyJ[A-Za-z0-9_-]{8})[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++"
)
"""A JWT of the identity provider, with any letters right before it."""
EMAILS = re.compile(r"(?<![\w.%+'-])[\w.%+'-]++@[\w-]++(?:\.[\w-]++)++")
"""Their domains may be international, as those of Mailbox."""
ROWS = re.compile(r"(?<=DETAIL:  ).*?(?=\n\nThe above exception |\n\nDuring handling |\Z)", re.DOTALL)
"""PostgreSQL's details, which quote rows, to the end of their part of a traceback."""
MARKS = {
    ROWS: ("DETAIL:  ",),
    SECRETS: ("_live_", "_test_", "whsec_", "_secret_", "plk_", "prtl_", "v1=", "v0=", "earer ", "@"),
    TOKENS: ("eyJ",),
    EMAILS: ("@",),
}
"""A text that matches a pattern contains one of its marks. Searching for them first costs a tenth."""
CARD = re.compile(r"[2-6](?<![\w.-].)(?:[ -]?[0-9]){12,18}(?![\w-]|\.[0-9])", re.ASCII)
"""Numbers as long as a card's; those with a wrong check digit are kept.

The lookbehind comes after the first digit, because looking behind at every character cost half of a log line's time.
"""
REDACTED = "[redacted]"
CUT = "[…]"
DELIMITERS = ' \n\t/"&?,;{}[]()<>'
MOST_ENTRIES = 100
"""The most entries kept of a list or an object."""


def redacted(text: str) -> str:
    """`text` without keys, signatures, client secrets, links, email addresses, card numbers, and rows in errors."""
    for pattern, marks in MARKS.items():
        if any(mark in text for mark in marks):
            text = pattern.sub(REDACTED, text)
    return CARD.sub(_unless_no_card, text)


def without_payers(text: str) -> str:
    """`text` without what lets its holder pay."""
    for mark, pattern in PAYERS:
        if mark in text:
            text = pattern.sub(REDACTED, text)
    return text


def redacted_json(document: bytes, most: int) -> bytes:
    """A JSON document without secrets at any depth, in names or values; its texts have at most `most` characters.

    A short document without secrets is returned unchanged. One with escapes is looked at value by value: the letter of an
    escape would stand before a secret.
    """
    text = document.decode()
    if len(text) <= most and "\\" not in text and redacted(text) == text:
        return document
    return msgspec.json.encode(_without_secrets(msgspec.json.decode(document), most))


def in_a_line(error: BaseException, most: int = 500, *, named: bool = True) -> str:
    """The class of an error, if it is `named`, and the first line of what it says, redacted: PostgreSQL's details quote rows."""
    said = redacted(cut(str(error).split("\n", 1)[0], 10 * most))
    return (f"{type(error).__name__}: {said}" if named else said)[:most]


def cut(text: str, most: int) -> str:
    """The first `most` characters of `text`, cut between words: half a secret would not be recognised."""
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
