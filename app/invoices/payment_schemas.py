"""The payments of an invoice, and what came back of each."""

from datetime import datetime

from pydantic import Field

from app.disputes.schemas import DisputeRead
from app.http.schemas import Create, Shown, StripeId
from app.refunds.schemas import RefundRead


class PaymentAttach(Create):
    payment_intent: StripeId = Field(
        description="Of the invoice's customer and currency, and not over more than what remains to be paid.",
        examples=["pi_3Pgf"],
    )


class InvoicePaymentRead(Shown):
    """A payment, made or requested, with its refunds and disputes."""

    id: str | None = Field(examples=["inpay_1Pgf"])
    payment_intent: str
    is_default: bool = Field(description="Whether it is the one that Stripe made with the invoice.")
    status: str | None = Field(description="`open`, `paid` or `canceled`.", examples=["paid"])
    amount_requested: int | None
    amount_paid: int | None = Field(examples=[24000])
    created_at: datetime | None
    paid_at: datetime | None
    refunds: list[RefundRead]
    disputes: list[DisputeRead]


class InvoicePaymentsRead(Shown):
    """All payments of an invoice, newest first."""

    data: list[InvoicePaymentRead]
