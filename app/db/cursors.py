"""The cursors of lists: where a page ended. A cursor belongs to one list, one order and the same filters."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from app.db.resources import Resource
from app.domain.errors import ValidationFailed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE = 2**63 - 1


class Cursor(msgspec.Struct, array_like=True):
    """Where a page ended: its list, and the values of its last row.

    The list was ordered by the row's time `at` or by its `amount`. `bound` stands for the order and the filters. A cursor
    of an older release has no `bound`, a still older one no `sequence`, and the oldest ones no `listed`.
    """

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,255}$")]
    listed: str = ""
    sequence: Annotated[int, msgspec.Meta(ge=0, le=WHOLE)] | None = None
    bound: str = ""
    amount: Annotated[int, msgspec.Meta(ge=-WHOLE, le=WHOLE)] | None = None


_cursor = msgspec.json.Decoder(Cursor)


def bound(sort: str, given: Mapping[str, object]) -> str:
    """What a cursor says of the order and the filters."""
    return sha256(msgspec.json.encode([sort, sorted(given.items())])).hexdigest()[:16]


def packed(cursor: Cursor) -> str:
    """The cursor as callers are given it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def unpacked(text: str, *lists: str) -> Cursor:
    """The cursor that callers gave, with its time in UTC. Raises ValidationFailed if it is of none of `lists`."""
    try:
        found = _cursor.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        found.at = found.at.astimezone(UTC)
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError):
        raise ValidationFailed("cursor is not one that a list of this resource answered.", param="cursor") from None
    if found.listed not in lists:
        raise ValidationFailed("cursor is of another list: page each list by its own next_cursor.", param="cursor")
    return found


def write(last: Mapping[str, Any], resource: Resource, sorted_by: str, of: str) -> str:
    """The cursor of a page whose last row has the values `last`."""
    value = last[sorted_by]
    at, amount = (value, None) if isinstance(value, datetime) else (EPOCH, value)
    return packed(Cursor(at, last["id"], resource.name, last.get("sequence"), of, amount))


def read(cursor: str, resource: Resource, sorted_by: str, of: str) -> dict[str, object]:
    """The values that the page's last row had in the columns by which its list was ordered.

    A list that an older release began goes on in that release's order: by time and id. Raises ValidationFailed.
    """
    found = unpacked(cursor, "", resource.name)
    if found.bound != of and (found.bound or sorted_by != resource.time):
        raise ValidationFailed("cursor is of another order or other filters: repeat those of its list.", param="cursor")
    if sorted_by != resource.time:
        return {sorted_by: found.at if found.amount is None else found.amount, "id": found.id}
    values = {resource.time: found.at, "sequence": found.sequence, "id": found.id}
    return {name: values[name] for name in resource.order if values[name] is not None}
