"""Errors as RFC 9457 problem documents, and the table of their HTTP statuses."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from app.domain.errors import InvoicingError
from app.domain.redaction import cut, redacted_json
from app.http.schema_rules import WrongFields

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS = {
    "malformed_request": 400,
    "invalid_signature": 400,
    "unauthenticated": 401,
    "payment_failed": 402,
    "payment_action_required": 402,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "invalid_state": 409,
    "nothing_to_bill": 409,
    "automatic_tax_failed": 409,
    "reference_taken": 409,
    "nothing_to_refund": 409,
    "refund_too_large": 409,
    "payment_disputed": 409,
    "credit_too_large": 409,
    "invoice_busy": 409,
    "idempotency_in_progress": 409,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "headers_too_large": 431,
    "validation_error": 422,
    "idempotency_mismatch": 422,
    "stripe_invalid_request": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "stripe_error": 502,
    "stripe_unavailable": 503,
    "database_unavailable": 503,
    "identity_provider_unavailable": 503,
    "request_timeout": 503,
    "stripe_timeout": 504,
}
"""The HTTP status of each code. No other place decides this."""

CODE = {400: "malformed_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
        413: "payload_too_large", 415: "unsupported_media_type", 422: "validation_error"}  # fmt: skip
"""The codes of FastAPI's own refusals."""

WORDS = {
    "missing": "must be given",
    "extra_forbidden": "there is no such field",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
}
"""What is wrong, by pydantic's code for it, where its own words are no help."""
BEGINNING = re.compile("^(Value error, |(Input|String|List|Dictionary) should (?=be|have|match))")
"""How pydantic's messages begin: `Value error, ` is left out, and `… should ` becomes `must `."""

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
MOST_ERRORS = 20
LONGEST_NAME = 100
"""The most characters repeated to the caller of a field's name that it sent."""
LONGEST_TEXT = 2000

BODY = ("malformed_request", "payload_too_large", "unsupported_media_type")
STRIPE = (
    "stripe_invalid_request", "automatic_tax_failed", "rate_limited", "stripe_error", "stripe_unavailable",
    "stripe_timeout",
)  # fmt: skip
IDEMPOTENT = (*BODY, "idempotency_mismatch", "idempotency_in_progress")
WRITE = (*IDEMPOTENT, *STRIPE)
STATE = ("not_found", "invalid_state")
ACT = (*STATE, *IDEMPOTENT)
"""Codes that groups of operations share. Those of IDEMPOTENT and ACT do not ask Stripe."""


class FieldError(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class StripeDetails(BaseModel):
    request_id: str | None = None
    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    param: str | None = None


class Problem(BaseModel):
    """An error. `code` is for programs, `detail` for people."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    param: str | None = None
    errors: list[FieldError] | None = None
    stripe: StripeDetails | None = None
    retry_after: int | None = None
    existing: str | None = Field(default=None, description="With reference_taken: the id that has it.")
    invoice_status: str | None = Field(default=None, description="With invalid_state: the invoice's status.")
    allowed: list[str] | None = Field(default=None, description="With invalid_state: what is allowed from it.")
    refundable: int | None = Field(
        default=None, description="Where a refund is refused: what can be refunded, in the currency's minor unit."
    )
    creditable: int | None = Field(default=None, description="With credit_too_large: what can be credited.")


def answers(*codes: str, conditional: bool = False) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of an operation's errors, by their codes, and of 304 if it is `conditional`."""
    always = (
        "unauthenticated", "forbidden", "not_found", "validation_error", "rate_limited", "database_unavailable",
        "identity_provider_unavailable", "request_timeout", "headers_too_large",
    )  # fmt: skip
    statuses: dict[int, list[str]] = {}
    for code in dict.fromkeys((*codes, *always)):
        statuses.setdefault(STATUS[code], []).append(code)
    described: dict[int | str, dict[str, Any]] = {status: answer(found) for status, found in sorted(statuses.items())}
    if conditional:
        described[304] = {"description": "The answer would be the one that is known."}
    return described


def answer(codes: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI description of the errors of one status."""
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
    }
    return {"description": ", ".join(f"`{code}`" for code in codes), "content": {MEDIA_TYPE: content}}


def problem(
    code: str, detail: str, request_id: str | None, headers: dict[str, str] | None = None, **more: object
) -> Response:
    status = STATUS[code]
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    } | {name: value for name, value in more.items() if value is not None}
    body = redacted_json(msgspec.json.encode(document), LONGEST_TEXT)  # what was sent may have held a secret
    return Response(body, status, headers, MEDIA_TYPE)


def problem_of(error: InvoicingError, request_id: str | None) -> Response:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.replayed:
        headers["Idempotent-Replayed"] = "true"
    if error.code == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        error.code,
        error.detail,
        request_id,
        headers,
        param=error.param,
        stripe=error.stripe,
        retry_after=error.retry_after,
        **error.extra,
    )


def install(app: FastAPI) -> None:
    """Make all errors of `app` problem documents."""

    async def answer(request: Request, error: Exception) -> Response:
        found = refusal(request, error)
        assert found is not None  # noqa: S101 -- registered for these classes alone
        return found

    for kind in (InvoicingError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def refusal(request: Request, error: Exception) -> Response | None:
    """The response for an error that the service or FastAPI raised on purpose; None for an unexpected one."""
    if isinstance(error, InvoicingError):
        return problem_of(error, request.scope.get("request_id"))
    if isinstance(error, RequestValidationError):
        return _validation_problem(request, error)
    if isinstance(error, HTTPException):
        code = CODE.get(error.status_code, "malformed_request")
        headers, detail = dict(error.headers or {}), str(error.detail)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(request))
            detail = f"{request.method} is not possible at this address, which takes {headers['Allow']}."
        elif detail == HTTPStatus.NOT_FOUND.phrase:
            detail = "There is nothing at this address; /docs has all there are."
        return problem(code, detail, request.scope.get("request_id"), headers)
    return None


def _methods(request: Request) -> list[str]:
    """The methods of this address. FastAPI names only those of its first operation.

    An address of its own (`/v1/invoices/preview`) has none of the methods of those that it looks like (`…/{invoice_id}`).
    """
    own = [route for route in request.app.routes if getattr(route, "path", None) == request.scope["path"]]
    taken = []
    for method in METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in own or request.app.routes):
            taken.append(method)
    return taken


def _validation_problem(request: Request, error: RequestValidationError) -> Response:
    request_id, errors = request.scope.get("request_id"), error.errors()[:MOST_ERRORS]
    if any(one["type"] == "json_invalid" for one in errors):
        return problem("malformed_request", "The body is not JSON.", request_id)
    listed = [shown for one in errors for shown in _listed(one)]
    if not says_json(request) and any(one["loc"] == ["body"] and one["type"] != "missing" for one in listed):
        detail = "The body must be sent as Content-Type: application/json."
        return problem("unsupported_media_type", detail, request_id)
    param = _name(listed[0]["loc"])
    return problem("validation_error", f"{param}: {listed[0]['msg']}", request_id, param=param, errors=listed)


def _listed(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An error as it is shown: once for each field that it is about."""
    place = _place(error["loc"])
    within = place if place != ["body"] else []
    raised = error.get("ctx", {}).get("error")
    places = [[*within, name] for name in raised.fields] if isinstance(raised, WrongFields) else [place]
    return [{"loc": each, "msg": _message(error), "type": error["type"]} for each in places]


def _message(error: Mapping[str, Any]) -> str:
    """What is wrong, in words for a person."""
    most = error.get("ctx", {}).get("max_length")
    if most is not None and isinstance(error.get("input"), str):
        return f"must have at most {most} characters"
    return WORDS.get(error["type"]) or BEGINNING.sub(lambda it: "must " if it[2] else "", error["msg"])


def says_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.startswith("application/") and kind.endswith(("/json", "+json"))


def _place(loc: Sequence[str | int]) -> list[str | int]:
    """Where in the request an error is, without FastAPI's name of the part and without a schema's name."""
    _, *inner = loc
    if inner and isinstance(inner[0], str) and inner[0].startswith("Item"):
        inner = inner[1:]
    return [cut(part, LONGEST_NAME) if isinstance(part, str) else part for part in inner] or ["body"]


def _name(place: Sequence[str | int]) -> str:
    """The place in the form that callers write: items[0].amount."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
