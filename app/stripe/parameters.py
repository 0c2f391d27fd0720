"""Compiles the schema of a request (app/domain/targets.py) into Stripe's parameters, and Stripe's names back into ours.

Stripe's form differs from ours in few ways: an empty text unsets a field, times are seconds, and some names differ.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from app.domain.errors import StripeInvalidRequest
from app.domain.json import JsonObject, JsonView
from app.domain.targets import To

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of a request: its path in Stripe's call, the function of its value, and the schema of what is in it."""

    field: str
    path: tuple[str, ...]
    convert: Convert
    inner: type[BaseModel] | None
    absent: tuple[object, ...]
    """The values that are the same as none: what an empty text would not unset."""


def stripe_parameters(schema: type[BaseModel], params: JsonView) -> JsonObject:
    """The parameters of Stripe's call for `params`, a request in the shape of `schema` as plain JSON.

    Null and an empty list become the empty text, by which Stripe unsets a field.
    """
    wanted: JsonObject = {}
    for parameter in compiled(schema):
        if parameter.field in params and params[parameter.field] not in parameter.absent:
            *way, last = parameter.path
            place = wanted
            for name in way:
                place = place.setdefault(name, {})
            value = cleared(params[parameter.field], parameter.convert)
            place[last] = {**place[last], **value} if isinstance(value, dict) and last in place else value
    return {name: value for name, value in wanted.items() if value != {}}


def cleared(value: object, convert: Convert = lambda value: value) -> object:
    """The converted `value`, or the empty text, by which Stripe unsets a field."""
    return "" if value is None or value == [] else convert(value)


@contextmanager
def named_as(schema: type[BaseModel]) -> Iterator[None]:
    """Name the field of `schema` where Stripe's refusal names a parameter."""
    try:
        yield
    except StripeInvalidRequest as error:
        error.param = error.param and field_of(schema, error.param)
        raise


def field_of(schema: type[BaseModel], param: str) -> str:
    """Stripe's `param` in our names: `lines[0][pricing]` is `items[0].price`. What no field became stays."""
    steps, place = re.findall(r"[^\[\]]+", param), ""
    model: type[BaseModel] | None = schema
    if not steps or not _closest(schema, steps):
        return param
    while steps:
        if steps[0].isdigit():
            place += f"[{steps.pop(0)}]"
            continue
        found = _closest(model, steps) if model else None
        place += f".{found.field if found else steps[0]}"
        steps = steps[len(found.path) if found else 1 :]
        model = found.inner if found else None
    return place.removeprefix(".")


def _closest(schema: type[BaseModel], steps: list[str]) -> Parameter | None:
    """The parameter whose path `steps` go farthest, or else one on whose path they end."""
    parameters = compiled(schema)
    passed = [it for it in parameters if list(it.path) == steps[: len(it.path)]]
    begun = [it for it in parameters if list(it.path[: len(steps)]) == steps]
    return max(passed, key=lambda it: len(it.path), default=None) or next(iter(begun), None)


@cache
def compiled(schema: type[BaseModel]) -> tuple[Parameter, ...]:
    """The parameters that the fields of `schema` become."""
    parameters = []
    for name, field in schema.model_fields.items():
        to = next((it for it in field.metadata if isinstance(it, To)), To(name))
        if to.path:
            inner = _model_in(field.annotation)
            absent = _absent(schema, name)
            parameters.append(Parameter(name, to.path, _converter(field.annotation), inner, absent))
    return tuple(parameters)


def _absent(schema: type[BaseModel], field: str) -> tuple[object, ...]:
    if field in getattr(schema, "absent", ()):
        return None, []
    return () if getattr(schema, "unsets", True) else (None,)


def _converter(annotation: Any) -> Convert:
    """The function from a value of the type `annotation`, as plain JSON, to Stripe's form."""
    if annotation in {datetime, AwareDatetime}:
        return _seconds
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return partial(stripe_parameters, annotation)
    inner = [it for it in get_args(annotation) if it is not NoneType]
    if get_origin(annotation) is Literal or not inner:
        return lambda value: value
    convert = _converter(inner[-1 if get_origin(annotation) is dict else 0])
    if get_origin(annotation) is list:
        return lambda value: [convert(each) for each in value]
    if get_origin(annotation) is dict:
        return lambda value: {key: cleared(each, convert) for key, each in value.items()}
    return convert


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The schema of the objects in a value of the type `annotation`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for it in get_args(annotation) if (found := _model_in(it))), None)


def _seconds(value: str) -> int:
    return int(datetime.fromisoformat(value).timestamp())
