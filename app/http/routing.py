"""The route class of the API: it checks an operation's authorization rule before it reads the request.

Routers are declared with `route_class=AuthorizedRoute`. An operation is written as FastAPI's documentation shows. Its
rule is in `app.domain.access.RULES`, under the name of its function.
"""

import warnings
from collections.abc import Callable, Coroutine, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute

from app.access.ownership import owns_invoice
from app.db.engine import Database
from app.domain.access import RULES, Caller, require_allowed
from app.domain.errors import NotFound, ValidationFailed
from app.domain.redaction import cut
from app.http.dependencies import service_of
from app.http.queries import KEYED

warnings.filterwarnings(
    "ignore", "The 'alias' attribute with value"
)  # FastAPI does so, too, where bodies are not deferred

LONGEST_NAME = 100
NOTHING = (b"", b"{}", b"null")
"""What a body without fields is, but for white space."""
WHITE_SPACE = b" \t\r\n"
ME = "me"
"""The id by which a customer names themselves in a path."""


class AuthorizedRoute(APIRoute):
    """A route that serves only callers that its rule allows."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        super().__init__(path, endpoint, **declared | {"operation_id": endpoint.__name__})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind the rule, so that unauthorized callers get no errors about their body."""
        handle = super().get_route_handler()

        async def authorized(request: Request) -> Response:
            caller: Caller = request.scope["caller"]
            require_allowed(caller, self.name)
            if caller.customer is not None:
                if "invoice_id" in request.path_params:
                    await require_own_invoice(request, caller.customer)
                require_own_customer(request, caller.customer)
            if query := request.scope["query_string"]:
                require_known(query, self.query_names)
            if self.body_field is None and request.method != "GET":
                require_nothing(await request.body())
            return await handle(request)

        return authorized

    @cached_property
    def query_names(self) -> dict[str, bool]:
        """The operation's query parameters, from its part of the OpenAPI document: which may be given several times."""
        (operations,) = get_openapi(title=self.name, version="1", routes=[self])["paths"].values()
        (operation,) = operations.values()
        asked = (parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query")
        return {it["name"] + ("[" if it.get("style") == KEYED else ""): _is_list(it["schema"]) for it in asked}


def _is_list(schema: Mapping[str, Any]) -> bool:
    """Whether a parameter is a list, or may be one."""
    return "items" in schema or any(map(_is_list, schema.get("anyOf", ())))


def require_nothing(body: bytes) -> None:
    """Raise ValidationFailed where an operation without fields is sent some: they would be ignored."""
    if body.translate(None, WHITE_SPACE) not in NOTHING:
        raise ValidationFailed("This operation takes no fields.", param="body")


def require_known(query: bytes, known: Mapping[str, bool]) -> None:
    """Raise ValidationFailed where a filter would be lost: a name is not one of the operation's, or given again."""
    seen = set()
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        shown = cut(name, LONGEST_NAME)
        if name not in known and name[: name.find("[") + 1] not in known:
            names = [f"{one}…]" if one.endswith("[") else one for one in sorted(known)]
            near = "".join(f" Did you mean {one}?" for one in get_close_matches(shown, names, 1))
            has = f"It has {', '.join(names)}." if known else "It has none."
            raise ValidationFailed(f"{shown} is no query parameter of this operation.{near or f' {has}'}", param=shown)
        if name in seen and not known.get(name):
            raise ValidationFailed(f"{shown} may be given once.", param=shown)
        seen.add(name)


def require_own_customer(request: Request, customer: str) -> None:
    """Raise NotFound unless the customer in the path, if there is one, is the caller, who may also say `me`."""
    named = request.path_params.get("customer_id")
    if named == ME and customer:
        request.path_params["customer_id"] = customer
    elif named is not None and named != customer:
        raise NotFound(f"There is no customer {named!r}.")


async def require_own_invoice(request: Request, customer: str) -> None:
    """Raise NotFound unless the invoice in the path is the customer's."""
    invoice_id = request.path_params["invoice_id"]
    async with service_of(request, Database).connection() as connection:
        # This comes before the path's own check, and PostgreSQL cannot hold what is not printable.
        if not invoice_id.isprintable() or not await owns_invoice(connection, customer, invoice_id):
            raise NotFound(f"There is no invoice {invoice_id!r}.")


def operations(router: APIRouter) -> list[BaseRoute]:
    """The routes of `router`. Raises TypeError if one has no rule or does not check it."""
    for route in router.routes:
        if not isinstance(route, AuthorizedRoute):
            raise TypeError(f"{route} asks for no authorization: declare its router with route_class=AuthorizedRoute")
        if route.name not in RULES:
            raise TypeError(f"{route.name} has no rule in app.domain.access.RULES, so nobody could call it")
    return router.routes
