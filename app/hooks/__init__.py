"""The interface for the team's own fulfillment functions. Import nothing else of this service.

    async def ship(action: FulfillmentAction) -> None: ...

The worker calls each function that is registered under the entry point group `invoicing.fulfillment_actions`, at every
moment of every fulfillment. docs/fulfillment-actions.md has the guarantees and a complete example.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.actions import Moment, Permanent

__all__ = ["FulfillmentAction", "Moment", "Permanent"]


@dataclass(frozen=True, slots=True)
class FulfillmentAction:
    """What to do, and for which fulfillment.

    idempotency_id: the same for all tries of this action at this moment of this fulfillment, and different otherwise.
    moment: `fulfilled`: the invoice is paid. `processing`: a payment was made and has not settled yet. attempt: 1 for
    the first try. fulfillment, invoice: as the API answers them (`GET /v1/invoices/{id}/fulfillment`, `GET
    /v1/invoices/{id}`), read just before the call.
    """

    idempotency_id: str
    moment: Moment
    attempt: int
    fulfillment: Mapping[str, Any]
    invoice: Mapping[str, Any]
