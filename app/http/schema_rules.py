"""Describes in JSON Schema what validators check, and which fields their errors are about.

The descriptions are of fields that go together, patterns of text, allowed keys.

A reader or generator must be able to write a valid request from the OpenAPI document. A test generates thousands of
requests from it, and none may be refused as invalid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler

from app.domain.json import JsonObject

TEXT: JsonObject = {"type": "string"}
INTEGER: JsonObject = {"type": "integer"}
OBJECT: JsonObject = {"type": "object"}
NULL: JsonObject = {"type": "null"}
ABSENT: JsonObject = {"not": {}}


class WrongFields(ValueError):
    """What a validator of a whole model raises about some of its `fields`: it is shown at each of them."""

    def __init__(self, says: str, *fields: str) -> None:
        super().__init__(says)
        self.fields = fields


def form(*required: str, **properties: JsonObject) -> JsonObject:
    """A form of a body: `required` properties must be present, and `properties` describe those that are."""
    return {"properties": properties} | ({"required": list(required)} if required else {})


def one_of(*forms: JsonObject) -> JsonObject:
    """The body has exactly one of these forms."""
    return {"oneOf": list(forms)}


def any_of(*forms: JsonObject) -> JsonObject:
    """The body has at least one of these forms."""
    return {"anyOf": list(forms)}


@dataclass(frozen=True, slots=True, eq=False)
class SchemaKeywords:
    """Annotates a type with keywords of JSON Schema, which replace the keywords `instead` of pydantic's."""

    words: Mapping[str, object]
    instead: tuple[str, ...] = ()

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonObject:
        kept = {word: what for word, what in handler(core).items() if word not in self.instead}
        return {**kept, **self.words}
