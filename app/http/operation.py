"""Owns the way from the gate to an operation: how it is found, whom it lets in, and what serves it.

Operations are declared as the framework's, and the contract is the framework's description of them. At a request the
framework would try all their addresses in turn, and examine what the operation depends on. Both is known at start-up:
the directory looks an address up, and an operation is called with what it needs (needs.py). What needs something else is
left to the framework; so is every address that the directory does not know.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http.dependencies import require_let_in
from app.http.needs import Needs

ROOT = "/"
OPENS, CLOSES = "{", "}"


class Operation(APIRoute):
    """One operation. Whoever its rule does not let in gets no further, whichever way the request came."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        super().__init__(path, endpoint, **declared | {"operation_id": endpoint.__name__})
        self._served = direct(self) or AsyncExitStackMiddleware(self.app)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request for this operation's address."""
        if scope["method"] in (self.methods or ()):
            await require_let_in(scope, self.name)
            await self._served(scope, receive, send)
        else:
            await super().handle(scope, receive, send)  # the framework says which methods it does take


def direct(route: APIRoute) -> ASGIApp | None:
    """What serves `route` without the framework; None where its function needs what only the framework can give."""
    endpoint: Callable[..., Any] = route.endpoint
    needs = Needs(route)
    if not needs.known or not inspect.iscoroutinefunction(endpoint):
        return None

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await endpoint(**await needs.read(request))
        await response(scope, receive, send)

    return serve


@dataclass(slots=True)
class _Place:
    """A step of addresses: what comes below it by name, or, under None, whatever its name; and what is here by method."""

    below: dict[str | None, "_Place"] = field(default_factory=dict)
    here: dict[str, Operation] = field(default_factory=dict)


class Directory:
    """Leads a request to its operation by the steps of its address; a name counts before a parameter."""

    def __init__(self, app: ASGIApp, operations: Iterable[Operation]) -> None:
        self._app = app
        self._root = _Place()
        for operation in operations:
            self._add(operation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self._find(scope) if scope["type"] == "http" and not scope.get("root_path") else None
        await (operation.handle if operation else self._app)(scope, receive, send)

    def _add(self, operation: Operation) -> None:
        place = self._root
        for step in operation.path.removeprefix(ROOT).split(ROOT):
            named = None if step.startswith(OPENS) and step.endswith(CLOSES) else step
            place = place.below.setdefault(named, _Place())
        for method in operation.methods or ():
            place.here[method] = operation

    def _find(self, scope: Scope) -> Operation | None:
        """The operation of a request, which from then on knows it, and the parameters of its path."""
        place, given = self._root, []
        for step in scope["path"].removeprefix(ROOT).split(ROOT):
            named = place.below.get(step)
            if named is None:
                named = place.below.get(None)
                if named is None or not step:
                    return None
                given.append(step)
            place = named
        operation = place.here.get(scope["method"])
        if operation is not None:
            scope["route"], scope["endpoint"] = operation, operation.endpoint
            scope["path_params"] = dict(zip(operation.param_convertors, given, strict=True))
        return operation
