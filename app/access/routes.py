"""API keys and the audit log, for admins."""

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from app.access.schemas import (
    ApiKeyCreate,
    ApiKeyMade,
    ApiKeyRead,
    ApiKeyRotate,
    ApiKeysQuery,
    AuditEntriesQuery,
    AuditEntryRead,
)
from app.db.documents import API_KEY, AUDIT_ENTRY
from app.http.dependencies import WriteDep, Writing, json_answer
from app.http.parameters import KeyId
from app.http.problems import BODY, answers
from app.http.queries import documented, read
from app.http.reads import equal, matching, one
from app.http.routing import AuthorizedRoute
from app.http.schemas import Page
from app.idempotency.operations import UseCase

keys = APIRouter(prefix="/v1/api-keys", tags=["API keys"], route_class=AuthorizedRoute)
audit = APIRouter(prefix="/v1/audit-log", tags=["audit log"], route_class=AuthorizedRoute)

IDEMPOTENT = (*BODY, "idempotency_mismatch", "idempotency_in_progress")
KEY_STATE = ("not_found", "invalid_state", *IDEMPOTENT)


@keys.post("", status_code=201, response_model=ApiKeyMade, responses=answers(*IDEMPOTENT))
async def create_api_key(body: ApiKeyCreate, write: WriteDep) -> Response:
    """Make a key. It is in this answer and nowhere else."""
    return await _showing_key(write, write.parts.keys.create_api_key, body.params())


@keys.get(
    "", response_model=Page[ApiKeyRead], responses=answers(conditional=True), openapi_extra=documented(ApiKeysQuery)
)
async def list_api_keys(request: Request) -> Response:
    """List keys, newest first."""
    asked = read(request, ApiKeysQuery)
    wanted = equal(caller=asked.caller)
    wanted.add("starts_with(row.prefix, {})", asked.prefix)
    return await matching(request, API_KEY, asked, wanted)


@keys.get("/{key_id}", response_model=ApiKeyRead, responses=answers("not_found", conditional=True))
async def get_api_key(key_id: KeyId, request: Request) -> Response:
    """Read a key."""
    return await one(request, API_KEY, key_id)


@keys.post("/{key_id}/rotate", status_code=201, response_model=ApiKeyMade, responses=answers(*KEY_STATE))
async def rotate_api_key(key_id: KeyId, write: WriteDep, body: ApiKeyRotate | None = None) -> Response:
    """Make a key that takes over from this one, which works on for the overlap."""
    params = (body or ApiKeyRotate()).model_dump(mode="json")
    return await _showing_key(write, write.parts.keys.rotate_api_key, params, key_id)


@keys.post("/{key_id}/revoke", response_model=ApiKeyRead, responses=answers(*KEY_STATE))
async def revoke_api_key(key_id: KeyId, write: WriteDep) -> Response:
    """End a key at once, in every process."""
    return await write.run(write.parts.keys.revoke_api_key, {}, key_id)


@audit.get(
    "",
    response_model=Page[AuditEntryRead],
    responses=answers(conditional=True),
    openapi_extra=documented(AuditEntriesQuery),
)
async def list_audit_log(request: Request) -> Response:
    """List who did what, newest first. Entries are only ever added."""
    asked = read(request, AuditEntriesQuery)
    wanted = equal(actor=asked.actor, action=asked.action, subject=asked.subject)
    wanted.add("row.at >= {}", asked.since)
    return await matching(request, AUDIT_ENTRY, asked, wanted)


async def _showing_key(
    write: Writing, use_case: UseCase, params: dict[str, object], subject: str | None = None
) -> Response:
    answer = await write.answer(use_case, params, subject)
    key = msgspec.json.encode(answer.secret).decode()
    return json_answer(f'{answer.body[:-1]},"key":{key}}}', answer, secret=True)
