"""Fulfillments and their actions."""

from datetime import datetime
from typing import Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.domain.actions import Moment
from app.domain.fulfillment import FulfillmentStatus
from app.domain.payment_attempts import Outcome
from app.domain.policy import FulfillOn
from app.http.parameters import IdQuery, TimeQuery
from app.http.queries import Paging
from app.http.schemas import Shown

Status = Literal[
    "awaiting_payment", "action_required", "processing", "payment_failed", "fulfilled", "disputed", "reversed", "canceled",
    "written_off",
]  # fmt: skip
FulfillmentActionStatus = TypeAliasType(
    "FulfillmentActionStatus", Literal["pending", "running", "failed", "done", "skipped", "dead"]
)


class PaymentFailure(Shown):
    """Why the last attempt failed, in Stripe's codes and its words for the customer."""

    code: str | None = Field(examples=["card_declined"])
    decline_code: str | None = Field(examples=["insufficient_funds"])
    message: str | None


class FulfillmentState(Shown):
    """A fulfillment after the change."""

    id: str = Field(examples=["ful_1PgF"])
    invoice: str
    customer: str | None
    status: FulfillmentStatus
    amount_paid: int = Field(description="What was paid by payments once it was fulfilled; 0 before.")
    amount_refunded: int = Field(description="What refunds beside credit notes paid back, or are paying back.")
    amount_credited: int = Field(description="What credit notes after payment gave back, in whichever way.")
    amount_disputed: int = Field(description="What disputes withdrew that were not won.")
    amount_kept: int = Field(description="`amount_paid` less the three.")
    currency: str
    payment_intent: str | None
    paid_out_of_band: bool
    attempts: int = Field(description="Failed attempts to pay.")
    required_action: str | None = Field(
        description="What the payer must do while it is `action_required`: Stripe's type of the PaymentIntent's "
        "`next_action`; null where Stripe has not said it.",
        examples=["use_stripe_sdk"],
    )
    failure: PaymentFailure | None = Field(
        description="Why the last attempt failed; null once another attempt follows."
    )
    fulfilled_at: datetime | None
    created_at: datetime
    updated_at: datetime


class PaymentAttempt(Shown):
    """What Stripe reported of an attempt to pay, by its own clock."""

    at: datetime
    outcome: Outcome
    payment_intent: str | None = Field(examples=["pi_3Pgf"])
    amount: int | None = Field(description="What was paid by it; null of other outcomes.")
    code: str | None = Field(examples=["card_declined"])
    decline_code: str | None = Field(examples=["insufficient_funds"])


class HistoryEntry(Shown):
    """What became of a fulfillment."""

    number: int = Field(description="Counts the entries; none is used twice.", examples=[1])
    what: str = Field(
        description="The status it came to, `partly_reversed`, `reinstated`, `payment_unexpected`, or `updated`.",
        examples=["reversed"],
    )
    at: datetime = Field(description="When it was recorded.")
    cause: str | None = Field(description="Stripe's event, or what else caused it.", examples=["evt_1Pgf"])
    status: FulfillmentStatus
    amount_paid: int
    amount_refunded: int
    amount_credited: int
    amount_disputed: int
    payment_intent: str | None = Field(default=None, description="Of a payment that nobody owed.")
    amount: int | None = Field(default=None, description="Of a payment that nobody owed.")


class PolicyRead(Shown):
    """When it is fulfilled, and what reverses it."""

    fulfill_on: FulfillOn
    reverse_on_partial: str = Field(
        description="`never`, `always`, or `above` and a percentage.", examples=["above 50"]
    )
    hold_on_dispute: bool


class FulfillmentRead(FulfillmentState):
    """A fulfillment as it is now. `payment_attempts`, `history` and `policy` are not in events."""

    payment_attempts: list[PaymentAttempt] = Field(description="Oldest first; the newest 50.")
    history: list[HistoryEntry] = Field(description="Oldest first; the newest 100.")
    policy: PolicyRead | None = Field(
        description="The policy that it was made with. Null: it is older than policies, and has the default one."
    )


class FulfillmentActionRead(Shown):
    """A mail or a hook that follows a moment of a fulfillment."""

    id: str = Field(
        description="The same for every try: a mail's Message-ID begins with it, a hook gets it as idempotency_id.",
        examples=["act_5d0c1e"],
    )
    fulfillment: str = Field(examples=["ful_1PgF"])
    invoice: str
    action: str = Field(description="`email`, or the name of a hook.", examples=["email"])
    moment: Moment
    status: FulfillmentActionStatus = Field(description="`failed` is tried again, `dead` waits for a person.")
    attempts: int
    reason: str | None = Field(
        description="Why the last try failed, or why it was skipped.",
        examples=["The mail server answered 451 4.3.0 to DATA."],
    )
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None


class FulfillmentsQuery(Paging):
    """Which fulfillments are listed."""

    status: Status | None = None
    customer: IdQuery = None
    updated_after: TimeQuery = None


class FulfillmentActionsQuery(Paging):
    """Which actions are listed."""

    status: FulfillmentActionStatus | None = None
    action: IdQuery = None
    fulfillment: IdQuery = None
    invoice: IdQuery = None
