"""The dependencies of operations: services, caller, and the write of an idempotency key.

A dependency costs as much as a small query, and one that depends on others costs as much for each of them. So these
take what they need from the request.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.access.authentication import Authentication
from app.domain.access import Caller
from app.domain.idempotency import MAX_KEY_LENGTH
from app.http.problems import WRITE, answers
from app.idempotency.operations import Answer, Call, Operations, UseCase

JSON = "application/json"
T = TypeVar("T")


def service_of(request: Mapping[str, Any], kind: type[T]) -> T:
    """The service of the class `kind`, for a request or its ASGI scope; main.py puts it into the state."""
    found: T = request["app"].state.services[kind]
    return found


def service(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """The dependency on the service of the class `kind`, for `Annotated[Invoices, Depends(service(Invoices))]`."""

    async def found(request: Request) -> T:  # FastAPI would run a function that is not async in a thread
        return service_of(request, kind)

    return found


def caller_of(request: Request) -> Caller:
    """The caller, as the middleware authenticated it."""
    caller: Caller = request.scope["caller"]
    return caller


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=MAX_KEY_LENGTH,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="1 to 255 printable characters of ASCII. The first answer is kept for 48 hours and replayed.",
    ),
]


@dataclass(frozen=True, slots=True)
class Write:
    """A write: one use case, run once per idempotency key."""

    request: Request
    key: str | None

    async def run(self, use_case: UseCase, params: Mapping[str, object], subject: str | None = None) -> Response:
        """Run `use_case`, or replay its answer."""
        return json_answer(await self.answer(use_case, params, subject))

    async def answer(self, use_case: UseCase, params: Mapping[str, object], subject: str | None = None) -> Answer:
        """The answer of `use_case`. A secret in it is not part of its body. Raises RateLimited for a customer that asks too often."""
        caller = caller_of(self.request)
        if caller.customer is not None:
            await service_of(self.request, Authentication).limit_client_secrets(caller.id)
        call = Call(
            caller=caller.id,
            target=f"{self.request.method} {self.request.url.path}",
            params=params,
            key=self.key,
            subject=subject,
            request_id=self.request.scope.get("request_id"),
        )
        return await service_of(self.request, Operations).run(call, use_case)


async def write(request: Request, key: IdempotencyKey = None) -> Write:
    return Write(request, key)


WriteDep = Annotated[Write, Depends(write)]


def writing(shown: type[BaseModel], *refusals: str) -> dict[str, Any]:
    """How an operation is declared that writes at Stripe and answers `shown`. `refusals`: codes of errors beside WRITE."""
    return {"response_model": shown, "responses": answers(*refusals, *WRITE)}


def creating(shown: type[BaseModel], *refusals: str) -> dict[str, Any]:
    """How an operation is declared that creates at Stripe what is `shown`."""
    return {"status_code": 201, **writing(shown, *refusals)}


def json_answer(answer: Answer, **secrets: str | None) -> Response:
    """The response of a write. `secrets` are fields that are added to it and never stored; caches must not store them."""
    body, headers = answer.body, {}
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    if secrets:
        headers["Cache-Control"] = "no-store"
        body = f"{body[:-1]},{msgspec.json.encode(secrets).decode()[1:]}"
    return Response(body, answer.status, headers, JSON)
