"""What others are told: the events of the feed, as CloudEvents."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, Field, create_model
from typing_extensions import TypeAliasType

from app.credit_notes.schemas import CreditNoteRead
from app.disputes.schemas import DisputeRead
from app.domain.credit_note import CreditNoteStatus
from app.domain.dispute import DisputeStatus
from app.domain.events import (
    CREDIT_NOTE,
    DISPUTE,
    FULFILLMENT_TYPES,
    INVOICE_TYPES,
    PAYMENT_TYPES,
    REFUND,
    RETURN_TYPES,
    SCHEMA_VERSION,
    TYPES,
)
from app.domain.fulfillment import FulfillmentStatus
from app.domain.refund import RefundStatus
from app.domain.sources import Feed
from app.fulfillment.schemas import FulfillmentState
from app.http.parameters import IdQuery
from app.http.schema_rules import SchemaKeywords
from app.http.schemas import Shown
from app.invoices.read_schemas import InvoiceDocument
from app.refunds.schemas import RefundRead

MOST = 500
CURSOR = "0000000000000f3a0000000000000007"


State = TypeVar("State", bound=BaseModel)


def told_of(kept: type[BaseModel]) -> Callable[[type[State]], type[State]]:
    """Give a model the fields of `kept` that are marked for the feed, but for those that it declares itself."""

    def complete(state: type[State]) -> type[State]:
        told = {name: (field.annotation, ...) for name, field in kept.model_fields.items() if Feed in field.metadata}
        own = {name: (field.annotation, ...) for name, field in state.model_fields.items()}
        fields: dict[str, Any] = told | own
        options: dict[str, Any] = {"__config__": state.model_config, "__doc__": state.__doc__}
        return cast("type[State]", create_model(state.__name__, **options, __module__=state.__module__, **fields))

    return complete


@told_of(InvoiceDocument)
class InvoiceState(Shown):
    """An invoice after the change, without its printed texts, its items and its addresses."""

    status: Literal["draft", "open", "paid", "void", "uncollectible", "deleted"]
    collection_method: str


class ReminderTold(Shown):
    """Which reminder it is."""

    day: int = Field(description="Of `REMINDERS`: days after the due date, negative before it.", examples=[7])
    channel: Literal["mail", "event"]


class InvoiceEventData(Shown):
    previous_status: str | None = Field(description="Null where the invoice was not known before.")
    invoice: InvoiceState
    reminder: ReminderTold | None = Field(default=None, description="In `invoice.reminded` only.")


class FulfillmentEventData(Shown):
    previous_status: FulfillmentStatus | None = Field(description="Null where there was no fulfillment before.")
    fulfillment: FulfillmentState
    invoice: InvoiceState


class PaymentState(Shown):
    """One payment of an invoice."""

    id: str | None = Field(description="The PaymentIntent.", examples=["pi_3Pgf"])
    invoice: str
    customer: str | None
    status: Literal["action_required", "succeeded", "partly_funded", "early_fraud_warning", "payment_unexpected"]
    amount: int = Field(description="What arrived, or what is to be paid.")
    currency: str
    at: datetime = Field(description="When it happened at Stripe.")
    required_action: str | None = Field(
        description="What the payer must do: Stripe's type of the `next_action`.", examples=["use_stripe_sdk"]
    )
    what_to_do: str | None = Field(
        description="For a person, about a payment that nobody owed or that is reported as fraud."
    )


class PaymentEventData(Shown):
    previous_status: None
    payment: PaymentState
    invoice: InvoiceState


@told_of(RefundRead)
class RefundState(Shown):
    """A refund after the change."""


@told_of(CreditNoteRead)
class CreditNoteState(Shown):
    """A credit note after the change, without its printed texts, its lines and its address."""


@told_of(DisputeRead)
class DisputeState(Shown):
    """A dispute after the change."""


class RefundEventData(Shown):
    previous_status: RefundStatus | None = Field(description="Null where the refund was not known before.")
    refund: RefundState
    invoice: InvoiceState


class CreditNoteEventData(Shown):
    previous_status: CreditNoteStatus | None = Field(description="Null where the credit note was not known before.")
    credit_note: CreditNoteState
    invoice: InvoiceState


class DisputeEventData(Shown):
    previous_status: DisputeStatus | None = Field(description="Null where the dispute was not known before.")
    dispute: DisputeState
    invoice: InvoiceState


class CloudEvent(Shown):
    """A CloudEvent (1.0)."""

    specversion: Literal["1.0"]
    id: str = Field(
        description="The event's id, the same each time and in each way it is sent: drop ids that you know.",
        examples=["iev_000648a1b2c3d4e5f60718293a4b5c6d"],
    )
    source: str = Field(description="The deployment that tells it.", examples=["https://billing.example.com"])
    subject: str = Field(description="The invoice.", examples=["in_1PgF"])
    time: datetime = Field(description="When it was recorded.", examples=["2026-11-22T10:18:02.000Z"])
    datacontenttype: Literal["application/json"]
    dataschema: str = Field(examples=["https://billing.example.com/openapi.json#/components/schemas/InvoiceEventData"])
    schemaversion: int = Field(
        description="The version of `data`. It rises when a field goes or changes its meaning.",
        examples=[SCHEMA_VERSION],
    )
    sequence: str = Field(
        description="The cursor after this event. Later events have greater ones, compared as text.", examples=[CURSOR]
    )


class InvoiceEvent(CloudEvent):
    """An invoice changed."""

    type: str = Field(json_schema_extra={"enum": list(INVOICE_TYPES)})
    data: InvoiceEventData


class FulfillmentEvent(CloudEvent):
    """An invoice's fulfillment changed."""

    type: str = Field(json_schema_extra={"enum": list(FULFILLMENT_TYPES)})
    data: FulfillmentEventData


class PaymentEvent(CloudEvent):
    """A payment went through, arrived in part, waits for the payer, is reported as fraud, or is money that nobody owed."""

    type: str = Field(json_schema_extra={"enum": list(PAYMENT_TYPES)})
    data: PaymentEventData


class RefundEvent(CloudEvent):
    """A refund changed."""

    type: str = Field(json_schema_extra={"enum": list(RETURN_TYPES[REFUND])})
    data: RefundEventData


class CreditNoteEvent(CloudEvent):
    """A credit note changed."""

    type: str = Field(json_schema_extra={"enum": list(RETURN_TYPES[CREDIT_NOTE])})
    data: CreditNoteEventData


class DisputeEvent(CloudEvent):
    """A dispute changed."""

    type: str = Field(json_schema_extra={"enum": list(RETURN_TYPES[DISPUTE])})
    data: DisputeEventData


FeedEvent = TypeAliasType(
    "FeedEvent", InvoiceEvent | FulfillmentEvent | PaymentEvent | RefundEvent | CreditNoteEvent | DisputeEvent
)


class FeedPage(Shown):
    """Some events, oldest first."""

    data: list[FeedEvent]
    has_more: bool = Field(description="There are more events now.")
    next_cursor: str = Field(
        description="Send it as `after` for the next page. An empty page has one, too. Store it when you have handled the page.",
        examples=[CURSOR],
    )


def _split(value: Any) -> Any:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


_ONE = "|".join(re.escape(one) for one in TYPES)
Types = Annotated[
    list[str] | None,
    BeforeValidator(_split, json_schema_input_type=str | None),
    Field(description="Only these, separated by commas.", max_length=50),
    SchemaKeywords({"pattern": f"^(({_ONE})?,){{0,49}}({_ONE})?$"}, instead=("maxLength", "maxItems")),
]
After = Annotated[
    str | None,
    Field(max_length=64, description="A cursor of this feed (`next_cursor`, `sequence`), `start`, or `now`."),
]


class StreamQuery(BaseModel):
    """What a stream is to tell."""

    after: After = None
    types: Types = None


class FeedQuery(StreamQuery):
    """Which events are read."""

    invoice: IdQuery = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100
    wait: Annotated[float, Field(ge=0, le=30, description="How many seconds to wait if there is no event yet.")] = 0
