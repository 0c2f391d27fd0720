"""What operations are given, and told, without the framework is what they would be given and told with it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Scope

from app.domain.access import BOOTSTRAP
from app.http.needs import Needs
from app.http.operation import Operation, direct
from app.main import ROUTERS

JSON = b"application/json"
OPERATIONS = {route.name: route for one in ROUTERS for route in one.routes if isinstance(route, Operation)}
DIRECT = [name for name, route in OPERATIONS.items() if direct(route)]
BODIES: list[tuple[bytes, bytes | None]] = [
    (b"", None),
    (b"", JSON),
    (b"{}", JSON),
    (b"{}", b"application/merge-patch+json; charset=utf-8"),
    (b"{}", None),
    (b"{}", b"text/plain"),
    (b"a=b", b"application/x-www-form-urlencoded"),
    (b"null", JSON),
    (b"[]", JSON),
    (b"[{}]", JSON),
    (b'"text"', JSON),
    (b"1", JSON),
    (b"{", JSON),
    (b"\xff", JSON),
    (b"[" * 100_000, JSON),
    (b"1" * 5000, JSON),
    (b'{"unknown": 1}', JSON),
    (b'{"name": 1, "metadata": {"a": 1, "reference": null}, "items": [{"quantity": -1}, 7], "currency": "x"}', JSON),
    (b'{"items": []}', JSON),
    (b'{"name": "\\ud800", "email": "", "scopes": ["everything"], "url": "x", "unit_amount": 1.5}', JSON),
    (b'\xef\xbb\xbf{"name": "with a mark"}', JSON),
]
KEYS = [None, b"a-key", b"", b" lead", b"\xe9", b"k" * 256]
IDS = ["ok_1", "x" * 256, "tab\t", "line\n", "\x7f"]


def asked(route: Operation, body: bytes, kind: bytes | None, key: bytes | None, value: str) -> tuple[Scope, Any]:
    headers = [(b"content-type", kind)] if kind is not None else []
    if key is not None:
        headers.append((b"idempotency-key", key))
    scope = {
        "type": "http", "method": min(route.methods or ()), "path": "/", "query_string": b"", "headers": headers,
        "path_params": dict.fromkeys(route.param_convertors, value), "caller": BOOTSTRAP,
        "app": SimpleNamespace(state=SimpleNamespace(parts=object())),
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return scope, receive


async def nowhere(_message: Message) -> None:
    pass


async def outcome(running: Any) -> object:
    try:
        await running
    except RequestValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            return "no JSON"
        return [(one["loc"], one["msg"], one["type"]) for one in error.errors()]
    except HTTPException as error:
        return error.status_code, error.detail
    except AttributeError:  # of what the operation would do next: there are no parts here
        return "let in"
    return "let in"


async def both(route: Operation, *how: Any) -> tuple[object, object]:
    scope, receive = asked(route, *how)
    ours = await outcome(Needs(route).read(Request(scope, receive)))
    scope, receive = asked(route, *how)
    return ours, await outcome(AsyncExitStackMiddleware(route.app)(scope, receive, nowhere))


@pytest.mark.parametrize("name", DIRECT)
async def test_a_request_is_told_what_the_framework_would_tell_it(name: str) -> None:
    route = OPERATIONS[name]
    tries: list[tuple[Any, ...]] = [(*body, None, "ok_1") for body in BODIES]
    tries += [(b"{}", JSON, key, value) for key in KEYS for value in IDS]
    for how in tries:
        ours, theirs = await both(route, *how)
        assert ours == theirs, how


def test_every_operation_but_the_one_that_answers_a_secret_of_stripes_is_served_directly() -> None:
    assert OPERATIONS.keys() - set(DIRECT) == {"get_client_secret"}


async def test_what_is_valid_arrives_as_the_model_it_is() -> None:
    body = json.dumps({"name": "Consulting"}).encode()
    scope, receive = asked(OPERATIONS["update_product"], body, JSON, b"a-key", "prod_1")
    values = await Needs(OPERATIONS["update_product"]).read(Request(scope, receive))
    assert values["body"].params() == {"name": "Consulting"}
    assert (values["product_id"], values["write"].key) == ("prod_1", "a-key")


async def test_a_sender_that_leaves_in_the_middle_of_a_body_is_no_surprise() -> None:
    scope, _ = asked(OPERATIONS["create_product"], b"", JSON, None, "")

    async def left() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(HTTPException) as found:
        await Needs(OPERATIONS["create_product"]).read(Request(scope, left))
    assert found.value.status_code == 400
    assert isinstance(found.value.__cause__, ClientDisconnect)


async def test_what_is_refused_while_a_body_is_read_stays_refused_so() -> None:
    scope, _ = asked(OPERATIONS["create_product"], b"", JSON, None, "")

    async def too_much() -> Message:
        raise HTTPException(413)

    with pytest.raises(HTTPException) as found:
        await Needs(OPERATIONS["create_product"]).read(Request(scope, too_much))
    assert found.value.status_code == 413


class Thing(BaseModel):
    name: str


others = APIRouter(route_class=Operation)


@others.post("/form")
async def a_form(name: Annotated[str, Form()]) -> Response:
    return Response(name)


@others.post("/within")
async def a_body_within(thing: Annotated[Thing, Body(embed=True)]) -> Response:
    return Response(thing.name)


@others.post("/two")
async def two_bodies(thing: Thing, other: Thing) -> Response:
    return Response(thing.name + other.name)


@others.post("/model")
async def a_model_for_an_answer(thing: Thing) -> Thing:
    return thing


@others.post("/thread")
def not_async(thing: Thing) -> Response:
    return Response(thing.name)


def test_bodies_and_answers_of_other_kinds_are_left_to_the_framework() -> None:
    assert {route.name for route in others.routes if isinstance(route, Operation) and direct(route)} == set()
