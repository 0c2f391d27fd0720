"""Completes the OpenAPI document with what FastAPI cannot see: the raw webhook route, problems, examples, webhooks."""

import json
import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.http.examples import illustrate
from app.http.middleware import PRIVATE
from app.http.problems import Problem, answer
from app.inbox.handlers import HANDLERS
from app.inbox.route import PATH
from app.outgoing.openapi import webhooks

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
_NAME_OR_NULL = {"anyOf": [_NAME, {"type": "null"}]}
EVENT = {
    "type": "object",
    "description": "A snapshot event as Stripe writes it; what is more in it is kept as it came.",
    "required": ["id", "object", "type", "created", "livemode", "data"],
    "properties": {
        "id": _NAME,
        "object": {"const": "event"},
        "type": _NAME,
        "created": {"type": "integer", "minimum": 1, "maximum": 253_402_300_798},
        "livemode": {"type": "boolean"},
        "api_version": _NAME_OR_NULL,
        "account": _NAME_OR_NULL,
        "data": {
            "type": "object",
            "required": ["object"],
            "properties": {"object": {"type": "object", "properties": {"id": _NAME_OR_NULL}}},
        },
    },
    "examples": [
        {
            "id": "evt_1Pgf",
            "object": "event",
            "type": min(HANDLERS),
            "created": 1_795_420_800,
            "livemode": False,
            "api_version": "2026-10-28.endive",
            "data": {"object": {"id": "in_1PgF", "object": "invoice"}},
        }
    ],
}

WEBHOOK = {
    "post": {
        "tags": ["webhooks"],
        "operationId": "receive_webhook",
        "summary": "Take a delivery from Stripe",
        "description": "Verifies the signature over the raw body, records the event once, and answers. "
        "Effects happen afterwards.",
        "parameters": [
            {
                "name": "Stripe-Signature",
                "in": "header",
                "required": True,
                "schema": {
                    "type": "string",
                    "pattern": "^t=[0-9]{1,12}(,v0=[0-9a-f]{64})?(,v1=[0-9a-f]{64}){1,10}$",
                    "description": "`t=<Unix time>,v1=<HMAC-SHA256 of t.body>`, a `v1` for each secret in force.",
                },
                "example": "t=1795420800,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": EVENT}}},
        "responses": {
            "200": {
                "description": "Recorded, now or before.",
                "content": {"application/json": {"example": {"received": True}}},
            },
            "400": answer(["invalid_signature", "malformed_request"]),
            "413": answer(["payload_too_large"]),
            "431": answer(["headers_too_large"]),
            "503": answer(["database_unavailable"]),
        },
    }
}


KEY = {
    "HTTPBearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of this service, or a token of the team's identity provider.",
    }
}
"""The security scheme of all paths below PRIVATE. The middleware enforces it."""

TAG = {"ETag": {"description": "A tag of the answer's bytes, for If-None-Match.", "schema": {"type": "string"}}}
KNOWN_TAGS = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an earlier answer. If the answer is still the same, it is a 304 without a body.",
    "schema": {"type": "string"},
}

REFER = '"#/components/schemas/'
"""How a reference to a schema begins in the document."""


def install(app: FastAPI) -> None:
    """Make `app.openapi()` return the complete document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
        description=app.description,
        tags=app.openapi_tags,
    )
    for path, operations in document["paths"].items():
        if path.startswith(PRIVATE):
            for operation in operations.values():
                _describe(operation)
    document["paths"][PATH] = WEBHOOK
    document["components"]["securitySchemes"] = KEY
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _close(document)
    illustrate(document)
    document["webhooks"] = webhooks(schemas)
    return _plainly_named(document)


def _close(document: Any) -> None:
    """Say of objects whose keys have a pattern that they have no other keys. Pydantic refuses those, and does not say so."""
    if isinstance(document, dict):
        if "patternProperties" in document:
            document.setdefault("additionalProperties", False)
        document = list(document.values())
    if isinstance(document, list):
        for inner in document:
            _close(inner)


def _plainly_named(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the schemas' names as users know them: `Invoice`, `InvoiceSummary`, `InvoiceList`."""
    schemas = document["components"]["schemas"]
    plain = {name: _plain(name) for name in schemas}
    named = {plain[name]: schema | {"title": plain[name]} for name, schema in schemas.items()}
    if len(named) < len(schemas):
        raise ValueError(f"two schemas have one name in the contract: {sorted(plain.values())}")
    document["components"]["schemas"] = named
    text = re.sub(f'{REFER}([^"]+)"', lambda found: f'{REFER}{plain[found[1]]}"', json.dumps(document))
    return json.loads(text)  # type: ignore[no-any-return]


def _plain(name: str) -> str:
    """The name of a schema in the contract. What lists show is a summary if reading one shows more."""
    page = re.fullmatch("Page_(.+?)(Read|Listed)_", name)
    return f"{page[1]}List" if page else re.sub("Read$", "", re.sub("Listed$", "Summary", name))


def _describe(operation: dict[str, Any]) -> None:
    """Add the security scheme, and the conditional headers where the operation answers 304."""
    operation["security"] = [{"HTTPBearer": []}]
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(KNOWN_TAGS)
        for status in ("200", "304"):
            operation["responses"][status]["headers"] = TAG
