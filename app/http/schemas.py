"""Field types that several resources share, and the base classes of requests and answers.

Pydantic builds the validator of a request when the first one comes, and that of an answer for the contract alone:
most processes need few of them, and building all took a seventh of a start.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import islice
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)

from app.domain.json import JsonObject
from app.domain.money import MAX_AMOUNT, MOST_AMOUNT
from app.domain.sources import REFERENCE
from app.domain.targets import To
from app.http.schema_rules import NULL, TEXT, SchemaKeywords, WrongFields

MOST_METADATA = 50
NOT_NULL = "must not be null: leave out what stays as it is"
EXPAND = "not passed on: the service decides what it reads of Stripe's answers"
SOURCES = "out of scope: legacy sources; give a payment method"
ACCOUNTS = "out of scope: customers that are accounts"
SUBSCRIPTIONS = "out of scope: subscriptions"
SURPLUS = 20
"""The most unknown fields that are examined, which is also how many errors are listed."""
MOST_KEYS = 200
"""The most keys of an object that are examined: more than any field may have."""
LEVELS = 3
"""How many levels of objects a field may have that is no model of its own."""


def _few_keys(value: object, levels: int = LEVELS) -> object:
    """Drop an object's keys far beyond any limit; those left are still too many and are refused."""
    if not isinstance(value, dict) or not levels:
        return value
    return {key: _few_keys(inner, levels - 1) for key, inner in islice(value.items(), MOST_KEYS)}


class Request(BaseModel):
    """A request body. Unknown fields are refused, and no type is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=False, defer_build=True)

    demands: ClassVar[JsonObject] = {}
    """What the model's validators require beyond its fields, in JSON Schema.

    The contract has it under `x-demands`: generators of clients cannot read `oneOf` beside `properties`.
    """

    refused: ClassVar[Mapping[str, str]] = {}
    """Stripe's parameters that are no fields here, each with the reason that a caller is told."""

    unsets: ClassVar[bool] = True
    """Whether null unsets a field at Stripe."""

    absent: ClassVar[tuple[str, ...]] = ()
    """The fields that Stripe cannot empty: null and an empty list are the same as absent."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> JsonObject:
        schema = handler(core)
        described = handler.resolve_ref_schema(schema)
        for field in described.get("properties", {}).values():
            cls._without_default(field)
        if cls.demands:
            described["x-demands"] = cls.demands
        return schema

    @classmethod
    def _without_default(cls, field: JsonObject) -> None:
        """Tell the default in words: generators of clients demand a field that has one."""
        default = field.pop("default", None)
        if default not in (None, [], {}):
            field["description"] = f"{field.get('description', '')} By default `{json.dumps(default)}`.".strip()

    @model_validator(mode="before")
    @classmethod
    def _without_surplus(cls, said: Any) -> Any:
        """Drop most unknown fields and most surplus keys before validation: refusing 75,000 took up to five seconds."""
        fields = cls.model_fields
        if not isinstance(said, dict):
            return said
        for name in [name for name in cls.refused if name in said]:
            raise WrongFields(cls.refused[name], name)
        unknown = islice((name for name in said if name not in fields), SURPLUS)
        return {name: _few_keys(said[name]) for name in (*(name for name in fields if name in said), *unknown)}

    def params(self) -> dict[str, Any]:
        """The fields that the caller sent, as plain JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


class Create(Request):
    """A new object, or one that Stripe takes as a whole: null is the same as absent."""

    unsets: ClassVar[bool] = False

    def params(self) -> dict[str, Any]:
        """The fields that the caller sent and that are not null, as plain JSON."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)


class Shown(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Update(Request):
    """A change: at least one field must be present."""

    demands: ClassVar[JsonObject] = {"minProperties": 1}

    never_null: ClassVar[tuple[str, ...]] = ()
    """The fields that null cannot unset."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> JsonObject:
        schema = super().__get_pydantic_json_schema__(core, handler)
        fields = handler.resolve_ref_schema(schema)["properties"]
        for name in cls.never_null:
            fields[name] = _without_null(fields[name])
        return schema

    @classmethod
    def _without_default(cls, field: JsonObject) -> None:
        """A field that is left out stays as it is."""
        field.pop("default", None)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("at least one field must be given")
        nulls = [name for name in self.never_null if name in self.model_fields_set and getattr(self, name) is None]
        if nulls:
            raise WrongFields(NOT_NULL, *nulls)
        return self


def _without_null(schema: JsonObject) -> JsonObject:
    """The schema of an optional field, without null."""
    (kind,) = [one for one in schema["anyOf"] if one != NULL]
    return {**kind, **{word: what for word, what in schema.items() if word not in {"anyOf", "default"}}}


def _no_control(value: str) -> str:
    if any(ord(char) < 32 and char not in "\n\r\t" for char in value):  # noqa: PLR2004 -- where ASCII's printable part starts
        raise ValueError("must not hold control characters")
    return value


_WITHOUT_CONTROL = SchemaKeywords({"pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"})
Text = Annotated[str, AfterValidator(_no_control), _WITHOUT_CONTROL]
"""A text without control characters. Its length is limited where it is used."""


KEY = r"^[^\[\]\x00-\x1f]+$"
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=KEY)]
MetadataValue = Annotated[str, StringConstraints(max_length=500), AfterValidator(_no_control), _WITHOUT_CONTROL]


def _no_reference(metadata: dict[str, Any]) -> dict[str, Any]:
    if REFERENCE in metadata:
        raise ValueError(f"the key {REFERENCE!r} is reserved: use the field `reference`")
    return metadata


_KEYS: JsonObject = {"minLength": 1, "maxLength": 40, "pattern": KEY, "not": {"const": REFERENCE}}
_VALUE: JsonObject = {"maxLength": 500, **TEXT, **_WITHOUT_CONTROL.words}
Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    Field(max_length=MOST_METADATA - 1),
    AfterValidator(_no_reference),
    SchemaKeywords({"propertyNames": _KEYS, "additionalProperties": _VALUE}, instead=("patternProperties",)),
]
MetadataUpdate = Annotated[
    dict[MetadataKey, MetadataValue | None],
    Field(max_length=MOST_METADATA - 1),
    AfterValidator(_no_reference),
    SchemaKeywords(
        {"propertyNames": _KEYS, "additionalProperties": {"anyOf": [_VALUE, NULL]}}, instead=("patternProperties",)
    ),
]
"""Merged into the existing metadata; null removes a key."""

Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$"), Field(examples=["order-1042"])
]
OwnReference = Annotated[Reference | None, To("metadata", REFERENCE)]
"""The caller's own id of an object, which Stripe keeps in its metadata."""
StatementDescriptor = Annotated[
    str,
    StringConstraints(max_length=22, pattern=r"^[^<>\x22'\x5c*\x00-\x1f]*[A-Za-z][^<>\x22'\x5c*\x00-\x1f]*$"),
    Field(
        description="What the payer's bank shows: at least one letter, none of `<>\"'*\\`.",
        examples=["ACME ORDER 1042"],
    ),
]
_MAIL = r"[^@\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f\u3000\ufeff]+"
r"""No blanks and no control characters. They are listed because \s differs between dialects."""
_EMAIL = re.compile(f"{_MAIL}@{_MAIL}")


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an email address: a name, @ and a domain")
    return value


Email = Annotated[str, AfterValidator(_email), SchemaKeywords({"pattern": f"^{_MAIL}@{_MAIL}$"})]
StripeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,255}$")]
"""The ids of Stripe's objects. Who makes a product at Stripe may choose its id, also with hyphens."""
CouponId = Annotated[str, StringConstraints(pattern="^[ -~]{1,255}$")]
"""Whoever makes a coupon at Stripe chooses its id: printable ASCII."""
RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _rfc_3339(value: object) -> object:
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("must be a time as RFC 3339 writes it, with its offset, e.g. 2026-11-30T12:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None


Time = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_rfc_3339),
    AfterValidator(_in_utc),
    SchemaKeywords({"pattern": f"^{RFC_3339.pattern}$"}),
]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day, e.g. 2026-11-30")
    return value


Day = Annotated[date, BeforeValidator(_day), SchemaKeywords({"pattern": f"^{_DAY.pattern}$"})]
MINOR = f"In the currency's minor unit: at most {MAX_AMOUNT}, more for idr; a multiple of 10 where the currency has three decimals."
_CURRENCY = re.compile(r"[A-Za-z]{3}")


def _currency(value: str) -> str:
    if not _CURRENCY.fullmatch(value):
        raise ValueError("must be a currency's three letters, e.g. usd")
    return value.lower()


Currency = Annotated[
    str, AfterValidator(_currency), SchemaKeywords({"pattern": f"^{_CURRENCY.pattern}$"}), Field(examples=["usd"])
]
Amount = Annotated[int, Field(ge=-MOST_AMOUNT, le=MOST_AMOUNT, description=MINOR)]
PositiveAmount = Annotated[int, Field(ge=1, le=MOST_AMOUNT, description=MINOR)]
UnitAmount = Annotated[int, Field(ge=0, le=MOST_AMOUNT, description=MINOR)]
UnitAmountDecimal = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$"),
    Field(description="In the currency's minor unit, with at most 12 decimals, e.g. `0.05`."),
]
Quantity = Annotated[int, Field(ge=0, le=1_000_000_000)]


class CustomFieldParams(Request):
    """A line on the invoice that the merchant chose, e.g. a purchase order number."""

    name: Text = Field(min_length=1, max_length=40, examples=["PO number"])
    value: Text = Field(min_length=1, max_length=140, examples=["12345"])


CustomFields = Annotated[list[CustomFieldParams], Field(max_length=4)]

Item = TypeVar("Item")


class Page(Shown, Generic[Item]):
    """A page of a list, newest first."""

    data: list[Item]
    has_more: bool
    next_cursor: str | None


class Deleted(Shown):
    """What a DELETE answers."""

    id: str
    deleted: bool


class Health(Shown):
    status: str
    checks: dict[str, str] = {}


class CustomFieldRead(Shown):
    name: str
    value: str
