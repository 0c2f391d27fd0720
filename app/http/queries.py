"""Owns how the queries of lists are read: one model per list, validated at once.

The framework could take each parameter as an argument of the function, and would need longer for that than PostgreSQL
for the list. An operation that reads a model says so to the contract by `openapi_extra=documented(Model)`.
"""

from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError


class Paging(BaseModel):
    """Which page of a list is wanted."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(max_length=600, description="`next_cursor` of the page before.")] = None


Query = TypeVar("Query", bound=BaseModel)


def read(request: Request, model: type[Query]) -> Query:
    """What `request` asks for. Raises RequestValidationError, as the framework does for what it reads itself."""
    asked = request.scope["query_string"].decode("latin-1")
    try:
        return model.model_validate(dict(parse_qsl(asked, keep_blank_values=True)))
    except ValidationError as error:
        raise RequestValidationError([one | {"loc": ("query", *one["loc"])} for one in error.errors()]) from None


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """What the contract says of an operation that reads `model`."""
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            | {said: schema[said] for said in ("description",) if said in schema}
            for name, schema in properties.items()
        ]
    }
