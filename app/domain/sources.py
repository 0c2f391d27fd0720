"""Markers in a schema that say where each of its fields comes from. Pure.

A schema that mirrors a Stripe object declares a field as

    receipt_number: Annotated[str | None, From("receipt_number", since=2), Feed]

`app/stripe/fields.py` compiles the markers once into functions: from Stripe's object to our row, from the row to the
document that the API answers, and to the digests that show whether the content changed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from app.domain.events import written

REFERENCE = "reference"
"""The metadata key at Stripe that holds the caller's own id."""


class From:
    """The path to a field in Stripe's object, and optionally a function of its value.

    A name that ends in `?` may be missing on the way, and any may be null. Where another is missing, reading raises
    KeyError. A missing last name gives null. A function gets the null, unless its field may be neither null nor empty:
    then reading raises KeyError. A function without names gets the whole object.

    `since` is the version of the schema's fields that added it: one more than the highest so far. An invoice and its
    items share versions. A later field must be nullable, a list or a dictionary: older documents show it empty.
    """

    def __init__(self, *path: str | Callable[[Any], Any], since: int = 1) -> None:
        self.names = tuple(name for name in path if isinstance(name, str))
        self.convert = next((step for step in path if not isinstance(step, str)), None)
        self.since = since


class Mark(Enum):
    """Further facts about a field."""

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
    """Stripe's time as rows write it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def id_of(value: object) -> str | None:
    """The id of an expandable field, expanded or not."""
    if isinstance(value, dict):
        return str(value["id"])
    return str(value) if value else None


def listed(value: list[Any] | None) -> list[Any]:
    """A list; Stripe may omit it or send null."""
    return value or []


def ids(values: list[Any] | None) -> list[str | None]:
    """The ids of a list of expandable fields."""
    return [id_of(value) for value in values or []]


def taken(model: type[BaseModel]) -> Callable[[Any], Any]:
    """A function that takes the fields of `model` from an object of Stripe's, or from each of a list; null stays null.

    What is expandable becomes an id, and times are written as documents write them.
    """
    parts = [(name, _part(field.annotation)) for name, field in model.model_fields.items()]

    def take(value: Any) -> Any:
        if isinstance(value, list):
            return [take(one) for one in value]
        return None if value is None else {name: part(value.get(name)) for name, part in parts}

    return take


def _part(annotation: Any) -> Callable[[Any], Any]:
    kinds = [annotation, *get_args(annotation)]
    inner = next((it for kind in kinds for it in (kind, *get_args(kind)) if _is_model(it)), None)
    if datetime in kinds:
        return lambda seconds: shown_time(time(seconds))
    if inner:
        take = taken(inner)
        return (lambda values: take(values or [])) if get_origin(annotation) is list else take
    return id_of if str in kinds else lambda value: value


def _is_model(it: Any) -> bool:
    return isinstance(it, type) and issubclass(it, BaseModel)


def emptied(value: dict[str, str] | None) -> dict[str, str]:
    """A dictionary; Stripe may omit it or send null."""
    return value or {}


def without_reference(metadata: dict[str, str] | None) -> dict[str, str]:
    """The metadata without our reference."""
    return {key: value for key, value in (metadata or {}).items() if key != REFERENCE}


def not_negative(amount: int) -> int:
    return max(amount, 0)


def shown_time(value: str | None) -> str | None:
    """A row's time as documents write it. Rows are in UTC; cutting the text costs a tenth of parsing it."""
    if value is None or not value.endswith("+00:00"):
        return written(datetime.fromisoformat(value)) if value else None
    return f"{value[:19]}.{value[20:-6]:0<3.3}Z"


def row_time(value: str | None) -> str | None:
    """A document's time as rows write it."""
    return value and datetime.fromisoformat(value).isoformat()
