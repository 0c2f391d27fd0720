"""What happened to an invoice, oldest first."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.domain.fulfillment import FulfillmentStatus
from app.domain.next_step import NextStep
from app.http.schemas import Shown
from app.invoices.particulars import FinalizationError


class TimelineEntry(Shown):
    """One thing that happened, by this service's clock."""

    at: datetime
    kind: Literal[
        "request", "stripe_call", "event", "transition", "fulfillment", "payment", "refund", "credit_note", "dispute",
        "action", "reminder", "delivery",
    ]  # fmt: skip
    what: str = Field(
        description="The use case, the step at Stripe, the type of the event, the status that was reached, or the action.",
        examples=["finalize_invoice"],
    )
    data: dict[str, Any] = Field(description="Ids to look further with: of the request, the event, the cause.")


class TimelineRead(Shown):
    """Why an invoice is unpaid, and how it came to that."""

    invoice: str
    status: Literal["draft", "open", "paid", "void", "uncollectible", "deleted"]
    fulfillment: FulfillmentStatus | None
    last_finalization_error: FinalizationError | None = Field(description="Why Stripe last refused to finalize it.")
    unpaid_because: str | None = Field(
        description="One sentence or two for a person; null once it is fulfilled.",
        examples=["It is open, and the attempt to pay it failed: card_declined, insufficient_funds."],
    )
    next_step: NextStep = Field(description="The one thing to do now.", examples=["contact_bank"])
    next_step_by: Literal["nobody", "payer", "operator"] = Field(description="Who does it; `operator` is one of yours.")
    what_to_do: str | None = Field(
        description="The next step as a sentence for a person of yours; null where there is none.",
        examples=["The payer asks their bank why it declined, or tries another payment method."],
    )
    data: list[TimelineEntry]
