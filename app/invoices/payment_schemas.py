"""The payments of an invoice, and what came back of each."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from app.disputes.schemas import DisputeRead
from app.domain.json import JsonObject
from app.domain.targets import To
from app.http.schema_rules import NULL, OBJECT, TEXT, WrongFields, form, one_of
from app.http.schemas import EXPAND, Create, PositiveAmount, Shown, StripeId, Text, Time
from app.invoices.particulars import InvoicePaymentListed
from app.refunds.schemas import RefundRead


class PaymentRecordData(Create):
    """A payment that was made elsewhere, say by cheque or wire."""

    amount: PositiveAmount | None = Field(
        default=None,
        description="What remains to be paid, where it is not given. Too much is credited to the customer.",
    )
    display_name: Text = Field(min_length=1, max_length=100, description="How it was paid.", examples=["Cheque"])
    payment_reference: Text | None = Field(
        default=None, min_length=1, max_length=200, description="Its number with whoever moved the money."
    )
    initiated_at: Time | None = Field(default=None, description="When it was made; now where it is not given.")
    guaranteed: bool = Field(
        default=True, description="Whether the money is there. If not yet, it counts once that is reported."
    )
    description: Text | None = Field(default=None, max_length=500)


class PaymentAttach(Create):
    """One of `payment_intent`, `payment_record` and `payment_record_data`."""

    refused: ClassVar[Mapping[str, str]] = {"expand": EXPAND}
    demands: ClassVar[JsonObject] = one_of(
        form("payment_intent", payment_intent=TEXT, payment_record=NULL, payment_record_data=NULL),
        form("payment_record", payment_record=TEXT, payment_intent=NULL, payment_record_data=NULL),
        form("payment_record_data", payment_record_data=OBJECT, payment_intent=NULL, payment_record=NULL),
    )

    payment_intent: StripeId | None = Field(
        default=None,
        description="Of the invoice's customer and currency, and not over more than what remains to be paid.",
        examples=["pi_3Pgf"],
    )
    payment_record: StripeId | None = None
    payment_record_data: Annotated[PaymentRecordData | None, To()] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            names = given or list(type(self).model_fields)
            raise WrongFields("exactly one of payment_intent, payment_record and payment_record_data", *names)
        return self


class PaymentRecordReport(Create):
    outcome: Literal["guaranteed", "failed", "canceled"] = Field(examples=["guaranteed"])
    at: Time | None = Field(default=None, description="When it happened; now where it is not given.")


class InvoicePaymentRead(InvoicePaymentListed):
    """A payment, made or requested, with its refunds and disputes."""

    refunds: list[RefundRead]
    disputes: list[DisputeRead]


class InvoicePaymentsRead(Shown):
    """All payments of an invoice, newest first."""

    data: list[InvoicePaymentRead]
