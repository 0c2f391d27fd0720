"""Markers that say, in the schema of an answer, where each of its fields comes from. Pure.

A schema of something that mirrors an object of Stripe's writes a field as

    receipt_number: Annotated[str | None, From("receipt_number", since=2), Feed]

`app/stripe/fields.py` compiles the markers once into functions: from Stripe's object to our row, from the row to the
document that the API answers, and to the digests that tell whether the content changed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from app.domain.events import written

REFERENCE = "reference"
"""The metadata key under which the caller's own id is kept at Stripe."""


class From:
    """The names that lead to the field in Stripe's object and, last, a function of what is there.

    A name on the way that ends in `?` may be missing, and any may be null; where another is missing, reading raises
    KeyError. A last name that is missing is null. A function gets the null, unless its field may be neither null nor
    empty: then reading raises KeyError. A function without names gets the whole object.

    `since` is the version of its schema's fields with which it came: one more than the highest there is; an
    invoice and its items count together. A later field must be nullable, a list or a dictionary: older documents show it empty.
    """

    def __init__(self, *path: str | Callable[[Any], Any], since: int = 1) -> None:
        self.names = tuple(name for name in path if isinstance(name, str))
        self.convert = next((step for step in path if not isinstance(step, str)), None)
        self.since = since


class Mark(Enum):
    """What else there is to say of a field."""

    FEED = "told in the feed's events"
    PASSING = "shown as Stripe last said it, but no content: a change of it alone is not told"
    PERSONAL = "says who somebody is: erased with its customer, and masked in the console"
    IDENTITY = "says which object it is, and never changes"
    OURS = "not from the object: the unit of work puts it into the row"
    JOINED = "not in the document: put beside it when it is read"
    GROUP = "a model whose fields are columns of the row"


Feed, Passing, Personal, Identity = Mark.FEED, Mark.PASSING, Mark.PERSONAL, Mark.IDENTITY
Ours, Joined, Group = Mark.OURS, Mark.JOINED, Mark.GROUP


def time(seconds: int | None) -> str | None:
    """Stripe's time, as rows write it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def id_of(value: object) -> str | None:
    """The id of an expandable field, whether it was expanded or not."""
    if isinstance(value, dict):
        return str(value["id"])
    return str(value) if value else None


def listed(value: list[Any] | None) -> list[Any]:
    """A list that Stripe may leave out or give as null."""
    return value or []


def emptied(value: dict[str, str] | None) -> dict[str, str]:
    """A dictionary that Stripe may leave out or give as null."""
    return value or {}


def without_reference(metadata: dict[str, str] | None) -> dict[str, str]:
    """The metadata that is not ours."""
    return {key: value for key, value in (metadata or {}).items() if key != REFERENCE}


def not_negative(amount: int) -> int:
    """An amount of which less than nothing cannot be left."""
    return max(amount, 0)


def shown_time(value: str | None) -> str | None:
    """A time of a row, as documents write it. Rows are in UTC: cutting the text costs a tenth of reading it."""
    if value is None or not value.endswith("+00:00"):
        return written(datetime.fromisoformat(value)) if value else None
    return f"{value[:19]}.{value[20:-6]:0<3.3}Z"
