"""What the team's own code meets: import from here, and from nowhere else in this service.

    async def ship(action: FulfillmentAction) -> None: ...

A function like this, registered under the entry point group `invoicing.fulfillment_actions`, is called for every
moment of every fulfillment, in the worker. docs/fulfillment-actions.md has the guarantees and a complete example.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.actions import Moment, Permanent

__all__ = ["FulfillmentAction", "Moment", "Permanent"]


@dataclass(frozen=True, slots=True)
class FulfillmentAction:
    """What is to be done, and for what.

    idempotency_id: the same for each try of this action at this moment of this fulfillment, and of nothing else.
    moment: `fulfilled`: it is paid, do it. `processing`: it is paid for and has not settled yet.
    attempt: 1 for the first try.
    fulfillment, invoice: as the API answers them (`GET /v1/invoices/{id}/fulfillment`, `GET /v1/invoices/{id}`), read
    just before the call.
    """

    idempotency_id: str
    moment: Moment
    attempt: int
    fulfillment: Mapping[str, Any]
    invoice: Mapping[str, Any]
