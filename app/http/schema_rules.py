"""Owns how a schema says what only its validators know: which fields go together, what a text may hold, which keys.

Whoever reads the contract, people and generators alike, must be able to write a request that is taken. A test makes
thousands of requests from the contract alone and wants none of them called invalid.
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


def form(*required: str, **properties: JsonObject) -> JsonObject:
    """A form that a body may have: these properties must be there, and those that are, be as described."""
    return {"properties": properties} | ({"required": list(required)} if required else {})


def one_of(*forms: JsonObject) -> JsonObject:
    """A body has exactly one of these forms."""
    return {"oneOf": list(forms)}


def any_of(*forms: JsonObject) -> JsonObject:
    """A body has one of these forms, or several."""
    return {"anyOf": list(forms)}


@dataclass(frozen=True, slots=True, eq=False)
class Says:
    """Annotates a type with words of JSON Schema; `instead` names those of pydantic's that they stand for."""

    words: Mapping[str, object]
    instead: tuple[str, ...] = ()

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonObject:
        kept = {word: what for word, what in handler(core).items() if word not in self.instead}
        return {**kept, **self.words}
