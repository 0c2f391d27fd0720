"""Checks parameters against the SDK's own generated request types.

It walks `stripe.params.*` (TypedDicts): unknown and missing parameters, the coercion of strings to integers, booleans,
decimals and lists, and Stripe's wording for each failure. Rules that the types cannot express belong to the resources.

The types are walked directly and not through a pydantic TypeAdapter: an adapter for a PaymentIntent's parameters takes
seconds to build, while this resolves only the fields that are sent.
"""

import re
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache, reduce
from types import UnionType
from typing import Any, ForwardRef, Literal, NotRequired, Required, Union, cast, get_args, get_origin

import typing_extensions
from stripe import params as sdk_params
from stripe._request_options import RequestOptions

from offline_stripe.documents import Document
from offline_stripe.wire.errors import (
    StripeError,
    invalid_request,
    parameter_empty,
    parameter_missing,
    parameter_unknown,
)

Check = Callable[[object, str], object]
MOST_DECIMAL_PLACES = 12
_INTEGER = re.compile(r"-?\d{1,18}\Z")
_DECIMAL = re.compile(r"-?(\d+(\.\d*)?|\.\d+)\Z")
_OPTIONS = frozenset(RequestOptions.__annotations__)


def check_parameters(name: str | type, sent: Document, also: frozenset[str] = frozenset()) -> Document:
    """The typed parameters of `stripe.params.<name>` (`radar.…` for a namespace); `also` names the ones no SDK type has."""
    extra = {key: value for key, value in sent.items() if key in also}
    rest = {key: value for key, value in sent.items() if key not in also} if extra else sent
    return {**_check_object(params_type(name), rest, ""), **extra}


@cache
def params_type(name: str | type) -> type:
    if not isinstance(name, str):
        return name
    return cast("type", reduce(getattr, name.split("."), sdk_params))


def _check_object(kind: type, sent: Document, path: str) -> Document:
    known = annotations_of(kind)
    unknown = [_join(path, key) for key in sent if key not in known]
    if unknown:
        raise parameter_unknown(unknown)
    for key in _required(kind):
        if key not in sent:
            raise parameter_missing(_join(path, key))
        if sent[key] == "" and _field(kind, key) is _string:
            raise parameter_empty(_join(path, key))
    return {key: _field(kind, key)(value, _join(path, key)) for key, value in sent.items()}


def _join(path: str, key: str) -> str:
    return f"{path}[{key}]" if path else key


@cache
def annotations_of(kind: type) -> dict[str, Any]:
    return {key: value for key, value in kind.__annotations__.items() if key not in _OPTIONS}


@cache
def _required(kind: type) -> tuple[str, ...]:
    return tuple(key for key in annotations_of(kind) if key in kind.__required_keys__)  # type: ignore[attr-defined]


@cache
def _field(kind: type, key: str) -> Check:
    namespace = namespace_of(kind)
    return _check_for(resolve(annotations_of(kind)[key], namespace), namespace)


def namespace_of(kind: type) -> dict[str, Any]:
    """What the annotations of an SDK type refer to."""
    return vars(sys.modules[kind.__module__])


def resolve(annotation: Any, namespace: dict[str, Any]) -> Any:
    """A forward reference evaluated, and `NotRequired[...]` and `Required[...]` taken off."""
    while True:
        if isinstance(annotation, ForwardRef):
            annotation = annotation.__forward_arg__
        if isinstance(annotation, str):
            annotation = eval(annotation, namespace)  # noqa: S307 (the SDK's own source text)
        elif get_origin(annotation) in (NotRequired, Required, typing_extensions.NotRequired):
            (annotation,) = get_args(annotation)
        else:
            return annotation


def _check_for(annotation: Any, namespace: dict[str, Any]) -> Check:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is list:
        return _list_of(_check_for(resolve(arguments[0], namespace), namespace))
    if origin is Literal:
        return _one_of(arguments)
    if origin in (Union, UnionType):
        return _union([resolve(member, namespace) for member in arguments], namespace)
    return _object_check(annotation, namespace)


def _object_check(annotation: Any, namespace: dict[str, Any]) -> Check:
    if typing_extensions.is_typeddict(annotation):
        return _object_of(annotation)
    arguments = get_args(annotation)
    return _mapping_of(_check_for(resolve(arguments[-1], namespace), namespace)) if arguments else _anything


def _union(members: list[Any], namespace: dict[str, Any]) -> Check:
    """Which member is meant follows from the value's form: empty, object, list or scalar."""
    literals = [value for m in members if get_origin(m) is Literal for value in get_args(m)]
    choices = tuple(value for value in literals if value != "")
    rest = [m for m in members if get_origin(m) is not Literal and m is not type(None)]
    if choices:
        # An SDK enum is written `Literal[...]|str` to stay open for the reader; Stripe itself is not.
        rest = [m for m in rest if m is not str]
    objects = [_check_for(m, namespace) for m in rest if _is_object(m)]
    lists = [_check_for(m, namespace) for m in rest if get_origin(m) is list]
    scalars = [_check_for(m, namespace) for m in rest if m in _SCALARS]
    enum = _one_of(choices) if choices else None

    def check(value: object, path: str) -> object:
        if value == "" and "" in literals:
            return ""
        if isinstance(value, dict) and objects:
            return objects[0](value, path)
        if isinstance(value, list) and lists:
            return lists[0](value, path)
        if enum is not None and (value in choices or not scalars):
            return enum(value, path)
        return next(iter(scalars or lists or objects))(value, path)

    return check


def _is_object(annotation: Any) -> bool:
    if typing_extensions.is_typeddict(annotation):
        return True
    return get_origin(annotation) not in (None, list, Literal, Union, UnionType)


def _object_of(kind: type) -> Check:
    def check(value: object, path: str) -> object:
        if not isinstance(value, dict):
            raise _invalid("object", value, path)
        return _check_object(kind, value, path)

    return check


def _mapping_of(item: Check) -> Check:
    def check(value: object, path: str) -> object:
        if isinstance(value, list):  # keys that look like indices, as in metadata[0]
            value = {str(index): element for index, element in enumerate(value)}
        if not isinstance(value, dict):
            raise _invalid("object", value, path)
        return {key: item(element, _join(path, key)) for key, element in value.items()}

    return check


def _list_of(item: Check) -> Check:
    def check(value: object, path: str) -> object:
        if not isinstance(value, list):
            raise invalid_request("Invalid array", param=path)
        return [item(element, _join(path, str(index))) for index, element in enumerate(value)]

    return check


def _one_of(choices: tuple[object, ...]) -> Check:
    def check(value: object, path: str) -> object:
        if value in choices:
            return value
        names = [str(choice) for choice in choices]
        comma = "," if names[2:] else ""
        listed = f"{', '.join(names[:-1])}{comma} or {names[-1]}" if names[1:] else names[0]
        raise invalid_request(f"Invalid {path}: must be one of {listed}", param=path)

    return check


def _string(value: object, path: str) -> object:
    if not isinstance(value, str):
        raise _invalid("string", value, path)
    return value


def _integer(value: object, path: str) -> object:
    if not isinstance(value, str) or not _INTEGER.match(value):
        raise _invalid("integer", value, path)
    return int(value)


def _boolean(value: object, path: str) -> object:
    if value not in ("true", "false"):
        raise _invalid("boolean", value, path)
    return value == "true"


def _decimal(value: object, path: str) -> object:
    if not isinstance(value, str) or not _DECIMAL.match(value):
        raise _invalid("decimal", value, path)
    if len(value.partition(".")[2]) > MOST_DECIMAL_PLACES:
        raise invalid_request(
            f"Invalid decimal: {value}; must contain at most {MOST_DECIMAL_PLACES} decimal places.", param=path
        )
    return Decimal(value)


def _number(value: object, path: str) -> object:
    checked = Decimal(str(_decimal(value, path)))
    return int(checked) if checked == checked.to_integral() else float(checked)


def _anything(value: object, path: str) -> object:  # noqa: ARG001 (a Check)
    return value


def _invalid(kind: str, value: object, path: str) -> StripeError:
    code = "parameter_invalid_integer" if kind == "integer" else None
    return invalid_request(f"Invalid {kind}: {value}", code=code, param=path)


_SCALARS: dict[Any, Check] = {
    str: _string,
    int: _integer,
    bool: _boolean,
    float: _number,
    Decimal: _decimal,
    Any: _anything,
}
