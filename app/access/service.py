"""Use cases of API keys: create, rotate with an overlap, revoke. A key is shown once and only its digest is stored."""

import uuid

from app.access import key_statements
from app.access.keyring import Keyring
from app.db import documents, resources
from app.db.engine import Connection, Database
from app.domain.errors import InvalidState
from app.domain.json import JsonView
from app.domain.keys import new_key, read_key
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
        key, prefix, digest = self._draw()
        operation.subject = _new_id()
        async with self._database.unit_of_work() as connection:
            await key_statements.create(
                connection,
                key_id=operation.subject,
                name=params["name"],
                prefix=prefix,
                digest=digest,
                scopes=sorted(params["scopes"]),
                livemode=self._livemode,
                expires_at=expires_at,
            )
            return await _finish(connection, operation, operation.subject, 201, key)

    async def rotate_api_key(self, operation: Operation, params: JsonView) -> Answer:
        """Create a key that replaces this one (ApiKeyRotate), which works until the overlap ends."""
        expires_at = operation.require_to_come("expires_at", params.get("expires_at"))
        old = str(operation.subject)
        key, prefix, digest = self._draw()
        key_id = _new_id()
        async with self._database.unit_of_work() as connection:
            rotated = await key_statements.rotate(
                connection,
                old,
                key_id=key_id,
                prefix=prefix,
                digest=digest,
                overlap_s=params["overlap_s"],
                expires_at=expires_at,
            )
            if not rotated:
                await documents.require(connection, resources.API_KEY, old)
                raise InvalidState(f"The key {old} is revoked, expired or replaced already; rotate the one in force.")
            answer = await _finish(connection, operation, key_id, 201, key)
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

    def _draw(self) -> tuple[str, str, bytes]:
        """Draw a new key: the key, which goes only into the answer, its prefix and its digest."""
        key = new_key(livemode=self._livemode)
        read = read_key(key)
        if read is None:
            raise AssertionError("a new key has the shape of a key")
        return key, read.prefix, read.digest


def _new_id() -> str:
    return f"key_{uuid.uuid4().hex}"


async def _finish(
    connection: Connection, operation: Operation, key_id: str, status: int = 200, key: str | None = None
) -> Answer:
    document = await documents.require(connection, resources.API_KEY, key_id)
    return await operation.finish(connection, status, document, key)
