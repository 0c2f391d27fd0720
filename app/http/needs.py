"""Owns what an operation may need to be served directly, and how each of it is read from a request.

The request itself, the ids of its path, the write that it is, and its body: validated as the framework would, and told as
it would tell it. A function that needs anything else is not for here.
"""

import inspect
import json
from collections.abc import Callable
from typing import Any, TypeAlias, get_type_hints

from fastapi import Request, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.http.dependencies import IdempotencyKey, WriteDep, Writing, caller_of, parts_of
from app.http.problems import says_json

Errors: TypeAlias = list[dict[str, Any]]
Reader: TypeAlias = Callable[[Request, object, Errors], object]
"""Reads one need from a request and its body; what is wrong goes to the errors."""

KEY = "Idempotency-Key"
UNSENT = object()
"""The body of a request that has none."""

_key: TypeAdapter[str | None] = TypeAdapter(IdempotencyKey)


class Needs:
    """What the function of `route` needs; `known` says whether that is all that can be read here."""

    def __init__(self, route: APIRoute) -> None:
        hints = get_type_hints(route.endpoint, include_extras=True)
        answered = hints.pop("return", None)
        given = inspect.signature(route.endpoint).parameters
        writes = {name: _writing for name, hint in hints.items() if hint == WriteDep}
        ids = {name: _id(name, hints[name]) for name in route.param_convertors if name in hints}
        requests = {name: _request for name, hint in hints.items() if hint is Request}
        # The framework tells what is wrong in this order, whatever the function's.
        self._readers: dict[str, Reader] = {**writes, **ids, **requests}
        rest = given.keys() - self._readers.keys()
        self._has_body = len(rest) == 1 and _is_plain(route)
        if self._has_body:
            name = rest.pop()
            self._readers[name] = _body(hints[name], given[name].default)
        self.known = answered is Response and not rest and not route.dependencies

    async def read(self, request: Request) -> dict[str, Any]:
        """The function's arguments. Raises RequestValidationError, as the framework does."""
        errors: Errors = []
        sent = await _sent(request) if self._has_body else UNSENT
        values = {name: reader(request, sent, errors) for name, reader in self._readers.items()}
        if errors:
            raise RequestValidationError(errors)
        return values


def _is_plain(route: APIRoute) -> bool:
    """Whether the route has a body that is all of one JSON document."""
    found = [one.field_info for one in route.dependant.body_params]
    return len(found) == 1 and type(found[0]) is params.Body and not found[0].embed


async def _sent(request: Request) -> object:
    """What a body says in JSON; its bytes where it is sent as something else."""
    try:
        sent = await request.body()
        if not sent:
            return UNSENT
        return json.loads(sent) if says_json(request) else sent
    except json.JSONDecodeError as error:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body", error.pos), "msg": error.msg}]) from None
    except HTTPException:
        raise
    except Exception as error:  # no text, too deep, or nobody there any more
        raise HTTPException(400, "There was an error parsing the body") from error


def _checked(kind: TypeAdapter[Any], value: object, place: tuple[str, ...], errors: Errors) -> object:
    try:
        return kind.validate_python(value, from_attributes=True)  # which decides what wrong kinds are told
    except ValidationError as error:
        errors += [{**one, "loc": (*place, *one["loc"])} for one in error.errors(include_url=False)]
        return None


def _request(request: Request, _sent: object, _errors: Errors) -> object:
    return request


def _writing(request: Request, _sent: object, errors: Errors) -> object:
    key: Any = request.headers.get(KEY)
    if key is not None:
        key = _checked(_key, key, ("header", KEY), errors)
    return Writing(parts_of(request), caller_of(request), request, key)


def _id(name: str, hint: Any) -> Reader:
    kind: TypeAdapter[str] = TypeAdapter(hint)

    def read(request: Request, _sent: object, errors: Errors) -> object:
        return _checked(kind, request.path_params[name], ("path", name), errors)

    return read


def _body(hint: Any, default: object) -> Reader:
    kind: TypeAdapter[Any] = TypeAdapter(hint)

    def read(_request: Request, sent: object, errors: Errors) -> object:
        if sent is not UNSENT:
            return _checked(kind, sent, ("body",), errors)
        if default is inspect.Parameter.empty:
            errors.append({"type": "missing", "loc": ("body",), "msg": "Field required"})
        return default

    return read
