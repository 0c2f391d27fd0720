"""Use cases of API keys: create, rotate with an overlap, revoke. A key is shown once and only its digest is stored."""

import uuid
from datetime import timedelta
from typing import Any

from app.access import key_statements
from app.access.keyring import Keyring
from app.db import documents, resources
from app.db.engine import Connection, Database
from app.domain.errors import InvalidState
from app.domain.json import JsonView
from app.domain.keys import digest_of, new_key, prefix_of
from app.idempotency.operations import Answer, Operation


class Keys:
    """The use cases; `params` has the shape of the schema named in each."""

    def __init__(self, database: Database, keyring: Keyring, *, livemode: bool) -> None:
        self._database = database
        self._keyring = keyring
        self._livemode = livemode

    async def create_api_key(self, operation: Operation, params: JsonView) -> Answer:
        """Create a key (ApiKeyCreate) for this deployment's mode."""
        expires_at = operation.require_to_come("expires_at", params.get("expires_at"))
        key, drawn = self._draw()
        operation.subject = drawn["id"]
        given = {"name": params["name"], "scopes": sorted(params["scopes"]), "expires_at": expires_at}
        async with self._database.unit_of_work() as connection:
            await key_statements.create(connection, **drawn, **given, livemode=self._livemode)
            return await _finish(connection, operation, operation.subject, 201, key)

    async def rotate_api_key(self, operation: Operation, params: JsonView) -> Answer:
        """Create a key that replaces this one (ApiKeyRotate), which works until the overlap ends.

        The new key has the same name, scopes and caller. Raises NotFound and InvalidState.
        """
        expires_at = operation.require_to_come("expires_at", params.get("expires_at"))
        old = str(operation.subject)
        key, drawn = self._draw()
        overlap = timedelta(seconds=params["overlap_s"])
        async with self._database.unit_of_work() as connection:
            if not await key_statements.rotate(connection, old, overlap, **drawn, expires_at=expires_at):
                await documents.require(connection, resources.API_KEY, old)
                raise InvalidState(f"The key {old} is revoked, expired or replaced already; rotate the one in force.")
            answer = await _finish(connection, operation, drawn["id"], 201, key)
        self._keyring.forget()  # the others are told by the database; here not even that moment passes
        return answer

    async def revoke_api_key(self, operation: Operation, _params: JsonView) -> Answer:
        """Revoke a key in every process. Raises NotFound."""
        key_id = str(operation.subject)
        async with self._database.unit_of_work() as connection:
            await key_statements.revoke(connection, key_id)
            answer = await _finish(connection, operation, key_id)
        self._keyring.forget()
        return answer

    def _draw(self) -> tuple[str, dict[str, Any]]:
        """Draw a new key, which goes only into the answer, and what is stored of it: its id, prefix and digest."""
        key = new_key(livemode=self._livemode)
        return key, {"id": f"key_{uuid.uuid4().hex}", "prefix": prefix_of(key), "digest": digest_of(key)}


async def _finish(
    connection: Connection, operation: Operation, key_id: str, status: int = 200, key: str | None = None
) -> Answer:
    document = await documents.require(connection, resources.API_KEY, key_id)
    return await operation.finish(connection, status, document, key)
