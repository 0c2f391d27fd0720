"""The payments of an invoice, and what came back of each."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from app.disputes.schemas import DisputeRead
from app.http.schemas import EXPAND, Create, Shown, StripeId
from app.invoices.particulars import InvoicePaymentListed
from app.refunds.schemas import RefundRead


class PaymentAttach(Create):
    refused: ClassVar[Mapping[str, str]] = {
        "expand": EXPAND,
        "payment_record": "not passed on: what was paid elsewhere is recorded at Stripe, and comes here by its events",
    }

    payment_intent: StripeId = Field(
        description="Of the invoice's customer and currency, and not over more than what remains to be paid.",
        examples=["pi_3Pgf"],
    )


class InvoicePaymentRead(InvoicePaymentListed):
    """A payment, made or requested, with its refunds and disputes."""

    refunds: list[RefundRead]
    disputes: list[DisputeRead]


class InvoicePaymentsRead(Shown):
    """All payments of an invoice, newest first."""

    data: list[InvoicePaymentRead]
