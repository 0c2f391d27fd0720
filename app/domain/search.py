"""Texts as words, by which invoices are found. Pure.

Letters are compared without their case, and everything else separates words. So `X0ZBTQW5-0001` is two words, and
`jenny@example.com` three.
"""

import re
from collections.abc import Iterable

WORD = re.compile(r"[^\W_]+")
LONGEST = 64
"""The letters of a word that count."""
PREFIX = 3
"""From how many letters on a word finds those that begin with it."""
MOST_WORDS = 8


def words(*texts: str | None) -> list[str]:
    """The words of `texts`, each once, in their order."""
    found = (word[:LONGEST] for text in texts if text for word in WORD.findall(text.casefold()))
    return list(dict.fromkeys(found))


def vector(texts: Iterable[str | None]) -> str:
    """The words of `texts` as PostgreSQL's tsvector."""
    return " ".join(words(*texts))


def query(text: str) -> str:
    """What finds the rows that hold all words of `text`, as PostgreSQL's tsquery. Raises ValueError."""
    found = words(text)
    if not found:
        raise ValueError("must hold a letter or a digit")
    if len(found) > MOST_WORDS:
        raise ValueError(f"must be at most {MOST_WORDS} words")
    return " & ".join(f"{word}:*" if len(word) >= PREFIX else word for word in found)
