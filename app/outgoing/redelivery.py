"""Use cases of redelivery: one delivery, or an endpoint's deliveries of a time span."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.db import documents
from app.db.engine import Connection, Database
from app.db.resources import DELIVERY, WEBHOOK_ENDPOINT
from app.domain.errors import InvalidState
from app.domain.json import JsonView
from app.domain.outgoing import DeliveryStatus
from app.idempotency.operations import Answer, Operation
from app.outgoing import delivery_statements

MOST = 10_000
"""The most deliveries that one call queues."""
UNDELIVERED = (DeliveryStatus.DEAD, DeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Redelivery:
    """Queues deliveries again, with the same event ids."""

    database: Database

    async def redeliver(self, operation: Operation, _params: JsonView) -> Answer:
        """Queue one delivery again, from its first attempt."""
        delivery_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            await self.one(connection, delivery_id)
            document = await documents.require(connection, DELIVERY, delivery_id)
            return await operation.finish(connection, 202, document)

    async def redeliver_many(self, operation: Operation, params: JsonView) -> Answer:
        """Queue an endpoint's deliveries of a time span again (Redeliver)."""
        endpoint_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            until = datetime.fromisoformat(params["until"]) if params.get("until") else datetime.now(UTC)
            statuses = params.get("statuses") or UNDELIVERED
            count = await self.many(
                connection, endpoint_id, datetime.fromisoformat(params["since"]), until, list(statuses)
            )
            return await operation.finish(connection, 202, f'{{"endpoint":"{endpoint_id}","redelivered":{count}}}')

    async def one(self, connection: Connection, delivery_id: str) -> None:
        """Queue one delivery again. Raises NotFound and InvalidState."""
        if await delivery_statements.deliver_again(connection, delivery_id):
            return
        await documents.require(connection, DELIVERY, delivery_id)
        raise InvalidState(f"The delivery {delivery_id} is under way, or its endpoint is deleted.")

    async def many(
        self, connection: Connection, endpoint_id: str, since: datetime, until: datetime, statuses: Sequence[str]
    ) -> int:
        """Queue up to MOST deliveries of an endpoint again, oldest first. Returns how many. Raises NotFound."""
        await documents.require(connection, WEBHOOK_ENDPOINT, endpoint_id)
        return await delivery_statements.deliver_many_again(connection, endpoint_id, since, until, statuses, MOST)
