"""Refunds. `From` says where a field stands in Stripe's object."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.domain.refund import RefundStatus
from app.domain.sources import REFERENCE, Feed, From, Identity, Ours, id_of, time, without_reference
from app.http.schemas import EXPAND, Create, Email, Metadata, OwnReference, PositiveAmount, Shown, StripeId

RefundReason = TypeAliasType("RefundReason", Literal["duplicate", "fraudulent", "requested_by_customer"])
CASH_BALANCE = "out of scope: refunds of what customers have in their cash balance"


class RefundCreate(Create):
    refused: ClassVar[Mapping[str, str]] = {
        "charge": "not passed on: give payment_intent",
        "currency": CASH_BALANCE,
        "customer": CASH_BALANCE,
        "expand": EXPAND,
        "origin": CASH_BALANCE,
    }

    amount: PositiveAmount | None = Field(
        default=None, description="In the currency's minor unit; all that is left if it is absent.", examples=[12000]
    )
    payment_intent: StripeId | None = Field(
        default=None,
        description="The payment to refund. Without it the payments of the invoice are refunded, newest first.",
    )
    reason: RefundReason | None = Field(
        default=None,
        description="`fraudulent` puts the card and the email address on Stripe's block lists.",
        examples=["requested_by_customer"],
    )
    instructions_email: Email | None = Field(
        default=None,
        max_length=800,
        description="Where Stripe writes to if the payer must say where the money goes, as after a bank transfer.",
    )
    refund_application_fee: bool | None = Field(
        default=None, description="Whether the application fee is refunded, too, in proportion."
    )
    reverse_transfer: bool | None = Field(
        default=None, description="Whether the connected account pays its part, in proportion."
    )
    metadata: Metadata = {}
    reference: OwnReference = Field(default=None, description="Your own id; of several refunds the first one has it.")


def refund_status(status: str | None) -> str:
    """The refund's status; Stripe may leave it out while it is made."""
    return status or RefundStatus.PENDING.value


class RefundRead(Shown):
    id: Annotated[str, From("id"), Identity, Feed] = Field(examples=["re_3Pgf"])
    invoice: Annotated[str, Ours, Feed]
    customer: Annotated[str | None, Ours, Feed]
    payment_intent: Annotated[str | None, From("payment_intent", id_of), Feed]
    charge: Annotated[str | None, From("charge", id_of), Feed]
    amount: Annotated[int, From("amount"), Feed]
    currency: Annotated[str, From("currency"), Feed]
    status: Annotated[RefundStatus, From("status", refund_status), Feed] = Field(examples=["succeeded"])
    reason: Annotated[str | None, From("reason"), Feed]
    pending_reason: Annotated[str | None, From("pending_reason"), Feed] = Field(description="Why it is pending.")
    failure_reason: Annotated[str | None, From("failure_reason"), Feed] = Field(description="Why it failed.")
    metadata: Annotated[dict[str, str], From("metadata", without_reference), Feed]
    reference: Annotated[str | None, From("metadata?", REFERENCE), Feed]
    livemode: Annotated[bool, Ours, Feed]
    created_at: Annotated[datetime, From("created", time), Identity, Feed]
    updated_at: Annotated[datetime, Ours, Feed]


class NotRefunded(Shown):
    """What Stripe refused to refund after it had refunded a part, which stays refunded."""

    amount: int
    code: str = Field(examples=["stripe_invalid_request"])
    detail: str = Field(examples=["Stripe refused the request."])


class RefundsMade(Shown):
    """The refunds that a request made: one for each payment that it took."""

    invoice: str
    amount: int
    currency: str
    refunds: list[RefundRead]
    not_refunded: NotRefunded | None
