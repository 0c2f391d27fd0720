"""Use cases of redelivery: one delivery, or an endpoint's deliveries of a time span."""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.db import documents
from app.db.engine import Database
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
        """Queue one delivery again, from its first attempt. Raises NotFound and InvalidState."""
        delivery_id = str(operation.subject)
        async with self.database.unit_of_work() as connection:
            queued = await delivery_statements.deliver_again(connection, delivery_id)
            document = await documents.require(connection, DELIVERY, delivery_id)
            if not queued:
                raise InvalidState(f"The delivery {delivery_id} is under way, or its endpoint is deleted.")
            return await operation.finish(connection, 202, document)

    async def redeliver_many(self, operation: Operation, params: JsonView) -> Answer:
        """Queue up to MOST of an endpoint's deliveries of a time span again (Redeliver), oldest first. Raises NotFound."""
        endpoint_id = str(operation.subject)
        since = datetime.fromisoformat(params["since"])
        until = datetime.fromisoformat(params["until"]) if params.get("until") else datetime.now(UTC)
        statuses = params.get("statuses") or UNDELIVERED
        async with self.database.unit_of_work() as connection:
            await documents.require(connection, WEBHOOK_ENDPOINT, endpoint_id)
            count = await delivery_statements.deliver_many_again(connection, endpoint_id, since, until, statuses, MOST)
            return await operation.finish(connection, 202, f'{{"endpoint":"{endpoint_id}","redelivered":{count}}}')
