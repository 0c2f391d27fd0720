"""API keys and the audit log, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
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
from app.access.service import Keys
from app.db.resources import API_KEY, AUDIT_ENTRY
from app.http.dependencies import WriteDep, json_answer, service
from app.http.parameters import KeyId
from app.http.problems import ACT, IDEMPOTENT, answers
from app.http.queries import read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute

KeysDep = Annotated[Keys, Depends(service(Keys))]

router = APIRouter(prefix="/v1/api-keys", tags=["API keys"], route_class=AuthorizedRoute)
audit = APIRouter(prefix="/v1/audit-log", tags=["audit log"], route_class=AuthorizedRoute)


@router.post("", status_code=201, response_model=ApiKeyMade, responses=answers(*IDEMPOTENT))
async def create_api_key(body: ApiKeyCreate, keys: KeysDep, write: WriteDep) -> Response:
    """Make a key. Only this answer has it."""
    answer = await write.answer(keys.create_api_key, body.params())
    return json_answer(answer, key=answer.secret)


@router.get("", **listing(ApiKeyRead, ApiKeysQuery))
async def list_api_keys(request: Request) -> Response:
    """List keys, newest first."""
    return await many(request, API_KEY, read(request, ApiKeysQuery))


@router.get("/{key_id}", **reading(ApiKeyRead))
async def get_api_key(key_id: KeyId, request: Request) -> Response:
    """Read a key."""
    return await one(request, API_KEY, key_id)


@router.post("/{key_id}/rotate", status_code=201, response_model=ApiKeyMade, responses=answers(*ACT))
async def rotate_api_key(key_id: KeyId, keys: KeysDep, write: WriteDep, body: ApiKeyRotate | None = None) -> Response:
    """Make a key that replaces this one. This one still works during the overlap."""
    params = (body or ApiKeyRotate()).model_dump(mode="json")
    answer = await write.answer(keys.rotate_api_key, params, key_id)
    return json_answer(answer, key=answer.secret)


@router.post("/{key_id}/revoke", response_model=ApiKeyRead, responses=answers(*ACT))
async def revoke_api_key(key_id: KeyId, keys: KeysDep, write: WriteDep) -> Response:
    """End a key at once, in every process."""
    return await write.run(keys.revoke_api_key, {}, key_id)


@audit.get("", **listing(AuditEntryRead, AuditEntriesQuery))
async def list_audit_log(request: Request) -> Response:
    """List who did what, newest first. Entries are only ever added."""
    return await many(request, AUDIT_ENTRY, read(request, AuditEntriesQuery))
