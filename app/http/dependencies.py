"""The dependencies of operations: services, caller, and the write of an idempotency key.

A dependency costs as much as a small query, and one that depends on others costs as much for each of them. So these
take what they need from the request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, Request
from starlette.responses import Response

from app.container import Parts
from app.domain.access import Caller
from app.domain.idempotency import MAX_KEY_LENGTH
from app.idempotency.operations import Answer, Call, UseCase

JSON = "application/json"


def parts_of(request: Request) -> Parts:
    """The services, built when the application started."""
    return cast("Parts", request.app.state.parts)


def caller_of(request: Request) -> Caller:
    """The caller, as the middleware authenticated it."""
    return cast("Caller", request.scope["caller"])


async def parts(request: Request) -> Parts:
    """The services, for operations. It is async because FastAPI runs other functions in a thread."""
    return parts_of(request)


PartsDep = Annotated[Parts, Depends(parts)]


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
class Writing:
    """A write: one use case, run once per idempotency key."""

    parts: Parts
    caller: Caller
    request: Request
    key: str | None

    async def run(self, use_case: UseCase, params: Mapping[str, object], subject: str | None = None) -> Response:
        """Run `use_case`, or replay its answer."""
        answer = await self.answer(use_case, params, subject)
        return json_answer(await self.parts.invoicing.reveal(answer), answer)

    async def answer(self, use_case: UseCase, params: Mapping[str, object], subject: str | None = None) -> Answer:
        """The answer as stored, without secrets."""
        call = Call(
            caller=self.caller.id,
            target=f"{self.request.method} {self.request.url.path}",
            params=params,
            key=self.key,
            subject=subject,
            request_id=self.request.scope.get("request_id"),
        )
        return await self.parts.operations.run(call, use_case)


async def writing(request: Request, key: IdempotencyKey = None) -> Writing:
    """The write of this request."""
    return Writing(parts_of(request), caller_of(request), request, key)


WriteDep = Annotated[Writing, Depends(writing)]


def json_answer(body: str | bytes, answer: Answer | None = None, *, secret: bool = False) -> Response:
    """A response of encoded JSON. If it holds a secret, caches must not store it."""
    headers = {}
    if answer and answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    if secret or (answer and answer.secret_of):
        headers["Cache-Control"] = "no-store"
    return Response(body, answer.status if answer else 200, headers, JSON)
