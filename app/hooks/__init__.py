"""The interface for the team's own fulfillment functions. Import nothing else of this service.

    async def ship(action: FulfillmentAction) -> None: ...

The worker calls each function that is registered under the entry point group `invoicing.fulfillment_actions`, at every
moment of every fulfillment. docs/fulfillment-actions.md has the guarantees and a complete example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.actions import Moment, Permanent

__all__ = ["EarlierAction", "FulfillmentAction", "Moment", "Permanent"]


@dataclass(frozen=True, slots=True)
class EarlierAction:
    """An earlier action of the same name for the same fulfillment, which was tried at least once.

    status: `done`: the function returned. Any other: it may have had its effect, or not; `attempts` tries were made.
    finished_at: RFC 3339; None while it is tried again.
    """

    idempotency_id: str
    moment: Moment
    status: str
    attempts: int
    finished_at: str | None


@dataclass(frozen=True, slots=True)
class FulfillmentAction:
    """What to do, and for which fulfillment.

    idempotency_id: the same for all tries of this action on this occasion, and different otherwise. moment: `fulfilled`:
    the invoice is paid. `processing`: a payment was made and has not settled yet. `action_required`: the payer must
    authenticate. `disputed`: the money is withdrawn until a dispute is decided. `reversed`: the payment came back.
    `partly_reversed`: a part of it did. `reinstated`: what was withdrawn or came back is there again. `reminder`: it is a day
    of REMINDERS, and the invoice is not paid. attempt: 1 for the first try. fulfillment, invoice: as the API answers them
    (`GET /v1/invoices/{id}/fulfillment`, `GET /v1/invoices/{id}`), read just before the call. before: what this action did
    for this fulfillment before, oldest first.
    """

    idempotency_id: str
    moment: Moment
    attempt: int
    fulfillment: Mapping[str, Any]
    invoice: Mapping[str, Any]
    before: Sequence[EarlierAction] = ()
