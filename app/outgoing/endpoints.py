"""Use cases of webhook endpoints: create, change, rotate the secret, ping, delete.

A signing secret is shown once, in the answer that creates it. It is stored encrypted, and stored answers do not hold
it.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from app.db import documents
from app.db.engine import Connection, Database
from app.db.resources import DELIVERY, WEBHOOK_ENDPOINT
from app.domain.egress import EgressPolicy
from app.domain.errors import InvalidState, NotFound
from app.domain.json import JsonView
from app.domain.outgoing import PING, DisabledReason, EndpointStatus, new_secret
from app.events import feed_statements
from app.idempotency.operations import Answer, Operation
from app.outgoing import delivery_statements, endpoint_statements
from app.outgoing.encryption import DecryptionFailed, SecretEncryption
from app.outgoing.endpoint_statements import StoredEndpoint, StoredSecret

log = structlog.get_logger(__name__)

MOST_SECRETS = 5
"""The most secrets of an endpoint that may be in force. Each signs every delivery."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The use cases; `params` has the shape of the schema named in each."""

    database: Database
    seal: SecretEncryption
    reach: EgressPolicy
    most: int

    async def create_webhook_endpoint(self, operation: Operation, params: JsonView) -> Answer:
        """Create an endpoint (WebhookEndpointCreate), which receives events from now on."""
        self.reach.require(params["url"])
        operation.subject = f"whe_{uuid.uuid4().hex}"
        secret = new_secret()
        sealed = self._sealed(secret, operation.subject, datetime.now(UTC))
        async with self.database.unit_of_work() as connection:
            if await endpoint_statements.count(connection) >= self.most:
                raise InvalidState(
                    f"There are {self.most} webhook endpoints, as many as there may be: delete one first."
                )
            after = await feed_statements.last_position(connection)
            await endpoint_statements.create(connection, operation.subject, params, sealed, after)
            return await _finish(connection, operation, 201, secret)

    async def update_webhook_endpoint(self, operation: Operation, params: JsonView) -> Answer:
        """Change an endpoint (WebhookEndpointUpdate). If it is enabled again, it continues where it stopped."""
        if "url" in params:
            self.reach.require(params["url"])
        endpoint_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            row = await _locked(connection, endpoint_id)
            await endpoint_statements.change(connection, row, params)
            if params.get("status") == EndpointStatus.ENABLED:
                await _require_kept(connection, row)
                await endpoint_statements.enable(connection, endpoint_id)
            elif params.get("status") == EndpointStatus.DISABLED:
                await endpoint_statements.disable(connection, endpoint_id, DisabledReason.CALLER)
            return await _finish(connection, operation)

    async def rotate_webhook_secret(self, operation: Operation, params: JsonView) -> Answer:
        """Create a new secret (WebhookSecretRotate). The older ones sign as well until the overlap ends."""
        endpoint_id, now, secret = str(operation.subject), datetime.now(UTC), new_secret()
        async with self.database.unit_of_work() as connection:
            row = await _locked(connection, endpoint_id)
            end = now + timedelta(seconds=params["overlap_s"])
            kept = [StoredSecret(old.sealed, old.created_at, min(old.expires_at or end, end)) for old in row.secrets]
            kept = [old for old in kept if old.in_force(now)]
            if len(kept) >= MOST_SECRETS:
                raise InvalidState(
                    f"{len(kept)} secrets of {endpoint_id} are in force. Wait until one expires, or rotate with overlap_s 0."
                )
            sealed = self._sealed(secret, endpoint_id, now)
            await endpoint_statements.set_secrets(connection, endpoint_id, [sealed, *kept])
            return await _finish(connection, operation, 201, secret)

    async def ping_webhook_endpoint(self, operation: Operation, _params: JsonView) -> Answer:
        """Send an endpoint a ping, outside the order of its events."""
        endpoint_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            row = await _locked(connection, endpoint_id)
            if row.status != EndpointStatus.ENABLED:
                raise InvalidState(f"The endpoint {endpoint_id} is disabled ({row.disabled_reason}): enable it first.")
            delivery, event = f"dlv_{uuid.uuid4().hex}", f"{PING}_{uuid.uuid4().hex}"
            await delivery_statements.ping(connection, delivery, endpoint_id, event, PING)
            document = await documents.require(connection, DELIVERY, delivery)
            return await operation.finish(connection, 202, document)

    async def delete_webhook_endpoint(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete an endpoint and cancel its waiting deliveries."""
        endpoint_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            await _locked(connection, endpoint_id)
            await endpoint_statements.delete(connection, endpoint_id)
            return await operation.finish(connection, 200, f'{{"id":"{endpoint_id}","deleted":true}}')

    async def reseal(self) -> int:
        """Encrypt secrets of older keys with the first key, so that those can be removed. Returns how many."""
        async with self.database.connection() as connection:
            found = await endpoint_statements.sealed_otherwise(connection, self.seal.current)
        done = 0
        for endpoint_id in found:
            async with self.database.unit_of_work() as connection:
                row = await endpoint_statements.lock(connection, endpoint_id)
                if row is None:
                    continue
                try:
                    renewed = [
                        StoredSecret(self._again(old.sealed, endpoint_id), old.created_at, old.expires_at)
                        for old in row.secrets
                    ]
                except DecryptionFailed:
                    log.error("signing_secret_unreadable", endpoint=endpoint_id)  # noqa: TRY400 -- nothing to trace
                    continue
                await endpoint_statements.set_secrets(connection, endpoint_id, renewed)
                done += 1
        return done

    def _again(self, sealed: str, owner: str) -> str:
        return sealed if self.seal.is_current(sealed) else self.seal.close(self.seal.open(sealed, owner), owner)

    def _sealed(self, secret: str, endpoint_id: str, now: datetime) -> StoredSecret:
        return StoredSecret(self.seal.close(secret, endpoint_id), now)


async def _locked(connection: Connection, endpoint_id: str) -> StoredEndpoint:
    row = await endpoint_statements.lock(connection, endpoint_id)
    if row is None:
        raise NotFound(f"There is no webhook endpoint {endpoint_id!r}.")
    return row


async def _require_kept(connection: Connection, row: StoredEndpoint) -> None:
    """Raise InvalidState if the feed has deleted events that the endpoint missed while it was disabled."""
    if row.status != EndpointStatus.DISABLED:
        return
    gone = await feed_statements.hold_gone(connection)
    if await endpoint_statements.missed(connection, row.id, gone):
        raise InvalidState(f"The feed has forgotten some of what {row.id} missed: make a new endpoint.")


async def _finish(connection: Connection, operation: Operation, status: int = 200, secret: str | None = None) -> Answer:
    document = await documents.require(connection, WEBHOOK_ENDPOINT, str(operation.subject))
    return await operation.finish(connection, status, document, secret)
