"""Reads the query parameters of lists with one model per list.

FastAPI could take each parameter as an argument, but would need longer for that than PostgreSQL for the list. An
operation that reads a model documents it by `openapi_extra=documented(Model)`.
"""

from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError


class Paging(BaseModel):
    """The page of a list that is requested."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(max_length=600, description="`next_cursor` of the page before.")] = None


Query = TypeVar("Query", bound=BaseModel)


def read(request: Request, model: type[Query]) -> Query:
    """The query of `request` as a `model`. Raises RequestValidationError, as FastAPI does."""
    asked = request.scope["query_string"].decode("latin-1")
    try:
        return model.model_validate(dict(parse_qsl(asked, keep_blank_values=True)))
    except ValidationError as error:
        raise RequestValidationError([one | {"loc": ("query", *one["loc"])} for one in error.errors()]) from None


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI description of the parameters of `model`."""
    # The statuses that a list filters by are those of what it lists, so their schemas are in the document already.
    described = model.model_json_schema(ref_template="#/components/schemas/{model}")
    properties: dict[str, dict[str, Any]] = described["properties"]
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            | {said: schema[said] for said in ("description",) if said in schema}
            for name, schema in properties.items()
        ]
    }
