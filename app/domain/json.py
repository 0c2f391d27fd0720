"""Types of decoded JSON, and JSON encoding for the database."""

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

JsonObject: TypeAlias = dict[str, Any]
"""A decoded JSON object that may be changed, e.g. an invoice as Stripe answered it."""

JsonView: TypeAlias = Mapping[str, Any]
"""A decoded JSON object that is only read."""

Value = TypeVar("Value")

NUL = "\\u0000"
REPLACEMENT = "\ufffd"
"""Unicode's replacement character."""


def storable(value: object) -> str:
    """`value` as JSON for PostgreSQL, with NULs replaced: a payment must not fail for a NUL in a description."""
    written = msgspec.json.encode(value).decode()
    if NUL not in written:
        return written
    return msgspec.json.encode(without_nul(msgspec.json.decode(written))).decode()


def without_nul(value: Value) -> Value:
    """`value` (decoded JSON) with U+FFFD for each NUL, which PostgreSQL cannot store in text."""
    return cast("Value", _replaced(value))


def _replaced(value: object) -> object:
    match value:
        case str():
            return value.replace("\0", REPLACEMENT)
        case dict():
            return {_replaced(key): _replaced(it) for key, it in value.items()}
        case list():
            return [_replaced(it) for it in value]
        case _:
            return value
