"""The policy that a fulfillment is made with, and keeps: when to fulfill, and what reverses it. Pure."""

import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final, Self

import msgspec

from app.domain.json import JsonObject, JsonView

METADATA: Final = "fulfillment_policy"
"""The metadata key at Stripe that holds what an invoice says of its policy, as JSON."""
ALL: Final = 100
NEVER: Final = "never"
ALWAYS: Final = "always"
PARTIAL: Final = re.compile(r"never|always|above ([1-9]?[0-9])")
"""What `reverse_on_partial` may be; the number is a percentage of what was paid."""


class FulfillOn(StrEnum):
    """What a fulfillment waits for: the settled payment, or a payment that is under way."""

    PAID = "paid"
    PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class Policy:
    """When to fulfill, and what reverses a fulfillment besides the return of all that was paid.

    reverse_on_partial: `never`, `always`, or `above <percent>` of what was paid. hold_on_dispute: whether a dispute that
    is not decided yet makes it `disputed`. Raises ValueError for anything else.
    """

    fulfill_on: FulfillOn = FulfillOn.PAID
    reverse_on_partial: str = NEVER
    hold_on_dispute: bool = True

    def __post_init__(self) -> None:
        if not PARTIAL.fullmatch(self.reverse_on_partial):
            raise ValueError("reverse_on_partial must be `never`, `always` or `above` and a percentage from 0 to 99")

    def reverses(self, came_back: int, paid: int) -> bool:
        """Whether the return of `came_back` of `paid` reverses the fulfillment."""
        if came_back <= 0 or paid <= 0:
            return False
        if came_back >= paid or self.reverse_on_partial == ALWAYS:
            return True
        above = PARTIAL.fullmatch(self.reverse_on_partial)
        return bool(above and above[1] and came_back * ALL > paid * int(above[1]))

    def changed(self, text: str | None) -> Self:
        """This policy with what an invoice's metadata says instead; the same where that is no policy."""
        try:
            return replace(self, **msgspec.json.decode(text, type=_Change).given()) if text else self
        except (msgspec.MsgspecError, ValueError):
            return self

    def written(self) -> JsonObject:
        """The policy as a fulfillment keeps it."""
        return asdict(self)

    @classmethod
    def read(cls, written: JsonView | None) -> Self:
        """The policy that a fulfillment keeps; the default one where it keeps none, as before there were policies."""
        if written is None:
            return cls()
        return cls(FulfillOn(written["fulfill_on"]), written["reverse_on_partial"], written["hold_on_dispute"])


class _Change(msgspec.Struct, omit_defaults=True):
    """What an invoice may say of its policy."""

    fulfill_on: FulfillOn | None = None
    reverse_on_partial: str | None = None
    hold_on_dispute: bool | None = None

    def given(self) -> JsonObject:
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


DEFAULT: Final = Policy()
