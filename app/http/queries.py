"""Reads the query parameters of lists with one model per list.

FastAPI could take each parameter as an argument, but would need longer for that than PostgreSQL for the list. So an
operation documents its model by itself: by `listing` (reads.py), or by `openapi_extra=documented(Model)`.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

KEYED = "deepObject"
"""OpenAPI's name of the style of parameters that are given as `name[key]`."""


class Paging(BaseModel):
    """The page of a list that is requested."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(max_length=600, description="`next_cursor` of the page before.")] = None


Query = TypeVar("Query", bound=BaseModel)


def read(request: Request, model: type[Query]) -> Query:
    """The query of `request` as a `model`. Raises RequestValidationError, as FastAPI does."""
    asked = request.scope["query_string"].decode("latin-1")
    try:
        return parsed(parse_qsl(asked, keep_blank_values=True), model)
    except ValidationError as error:
        raise RequestValidationError(
            [one | {"loc": ("query", *_place(one["loc"], model))} for one in error.errors()]
        ) from None


def parsed(pairs: Sequence[Sequence[str]], model: type[Query]) -> Query:
    """The names and values `pairs` as a `model`. Raises ValidationError.

    A list is given by its name several times, and a dictionary as `name[key]`: the class variables `repeated` and `keyed`
    of `model` name them.
    """
    repeated, keyed_names = _special(model)
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in repeated:
            given.setdefault(name, []).append(value)
        elif name.endswith("]") and (keyed := name[: name.find("[")]) in keyed_names:
            given.setdefault(keyed, {})[name[len(keyed) + 1 : -1]] = value
        else:
            given[name] = value
    return model.model_validate(given)


def _place(loc: tuple[int | str, ...], model: type[BaseModel]) -> tuple[int | str, ...]:
    """Where an error is, as callers write it: a parameter that is given several times has no number."""
    return loc[:1] if loc and loc[0] in _special(model)[0] else loc


def _special(model: type[BaseModel]) -> tuple[frozenset[str], frozenset[str]]:
    return getattr(model, "repeated", frozenset()), getattr(model, "keyed", frozenset())


def documented(model: type[BaseModel]) -> dict[str, Any]:
    # The statuses that a list filters by are those of what it lists, so their schemas are in the document already.
    described = model.model_json_schema(ref_template="#/components/schemas/{model}")
    properties: dict[str, dict[str, Any]] = described["properties"]
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            | {said: schema[said] for said in ("description",) if said in schema}
            | ({"style": KEYED, "explode": True} if name in _special(model)[1] else {})
            for name, schema in properties.items()
        ]
    }
