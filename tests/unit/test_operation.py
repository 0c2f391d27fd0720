"""The way to an operation: found by its address, closed to whom its rule does not let in, served with what it needs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.domain.access import BOOTSTRAP, Caller, CallerKind
from app.domain.errors import Forbidden, NotFound
from app.http.operation import Directory, Operation, direct
from app.main import ROUTERS

Id = Annotated[str, Path(max_length=5, pattern="^[a-z]+$")]
router = APIRouter(prefix="/v1/things", route_class=Operation)


@router.get("")
async def list_invoices(request: Request) -> Response:
    return Response(f"all {request.url.query}")


@router.get("/newest")
async def list_events(request: Request) -> Response:
    return Response("newest")


@router.get("/{thing}")
async def get_invoice(thing: Id, request: Request) -> Response:
    return Response(f"one {thing}")


@router.get("/{thing}/parts/{part}")
async def get_price(thing: Id, part: Id) -> Response:
    return Response(f"{part} of {thing}")


@router.delete("/{thing}")
async def delete_invoice(thing: Id, sure: Annotated[str, Query()]) -> dict[str, Any]:
    return {"gone": thing, "sure": sure}


@router.post("")
async def nobody_ruled_on_this(request: Request) -> Response:
    return Response("done")


OPERATIONS = [route for route in router.routes if isinstance(route, Operation)]
NAMED = {route.name: route for route in OPERATIONS}


async def framework(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"the framework"})


def asked(method: str, path: str, caller: Caller = BOOTSTRAP, **more: Any) -> Scope:
    path, _, query = path.partition("?")
    return {
        "type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": [], "caller": caller,
        "app": SimpleNamespace(state=SimpleNamespace()), **more,
    }  # fmt: skip


async def answer(app: Any, scope: Scope) -> str:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return b"".join(message.get("body", b"") for message in sent).decode()


@pytest.fixture
def directory() -> Directory:
    return Directory(framework, OPERATIONS)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/things?limit=1", "all limit=1"),
        ("GET", "/v1/things/abc", "one abc"),
        ("GET", "/v1/things/newest", "newest"),
        ("GET", "/v1/things/abc/parts/x", "x of abc"),
        ("DELETE", "/v1/things/abc?sure=yes", '{"gone":"abc","sure":"yes"}'),
    ],
)
async def test_an_operation_is_found_and_given_what_it_needs(
    directory: Directory, method: str, path: str, expected: str
) -> None:
    assert await answer(directory, asked(method, path)) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/things/"),
        ("GET", "/v1/things/newest/parts/x"),
        ("GET", "/v1/things/abc/parts"),
        ("GET", "/v1//things"),
        ("GET", "/v2/things"),
        ("PUT", "/v1/things/abc"),
    ],
)
async def test_an_address_that_is_not_in_the_directory_is_left_to_the_framework(
    directory: Directory, method: str, path: str
) -> None:
    assert await answer(directory, asked(method, path)) == "the framework"


async def test_below_another_path_the_framework_finds_the_way(directory: Directory) -> None:
    assert await answer(directory, asked("GET", "/v1/things", root_path="/behind")) == "the framework"


async def test_the_request_knows_its_operation_as_the_framework_would_tell_it(directory: Directory) -> None:
    scope = asked("GET", "/v1/things/abc/parts/x")
    await answer(directory, scope)
    assert scope["route"] is NAMED["get_price"]
    assert scope["endpoint"] is get_price
    assert scope["path_params"] == {"thing": "abc", "part": "x"}


@pytest.mark.parametrize("path", ["/v1/things/ABC/parts/toolong", "/v1/things/-/parts/x"])
async def test_ids_that_cannot_be_are_told_as_the_framework_tells_them(directory: Directory, path: str) -> None:
    with pytest.raises(RequestValidationError) as ours:
        await answer(directory, asked("GET", path))
    theirs_alone = APIRouter()
    theirs_alone.get("/v1/things/{thing}/parts/{part}")(get_price)
    with pytest.raises(RequestValidationError) as theirs:
        await answer(AsyncExitStackMiddleware(theirs_alone), asked("GET", path))

    def told(error: RequestValidationError) -> list[Any]:
        return [(one["loc"], one["msg"], one["type"]) for one in error.errors()]

    assert told(ours.value) == told(theirs.value)


@pytest.mark.parametrize("way", ["directory", "framework"])
async def test_an_operation_without_a_rule_is_refused_to_all_whichever_way_they_come(
    directory: Directory, way: str
) -> None:
    app = directory if way == "directory" else AsyncExitStackMiddleware(router)
    with pytest.raises(Forbidden):
        await answer(app, asked("POST", "/v1/things"))


@pytest.mark.parametrize("way", ["directory", "framework"])
async def test_a_rule_is_asked_before_anything_else_of_the_request(directory: Directory, way: str) -> None:
    person = Caller("person", CallerKind.CUSTOMER, customer="cus_1")
    app = directory if way == "directory" else AsyncExitStackMiddleware(router)
    with pytest.raises(NotFound):
        await answer(app, asked("DELETE", "/v1/things/-", person))


def test_what_needs_more_than_the_request_and_ids_is_not_served_directly() -> None:
    assert {name for name, route in NAMED.items() if direct(route) is None} == {"delete_invoice"}


def test_whatever_is_behind_a_key_is_an_operation() -> None:
    assert all(isinstance(route, Operation) for one in ROUTERS for route in one.routes)
