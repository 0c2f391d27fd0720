"""Payment links, as they are asked for and shown."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from app.http.schemas import PositiveAmount, Request, Shown, Time


class PaymentLinkCreate(Request):
    expires_at: Time | None = Field(
        default=None, description="Until when the link is good; PAYMENT_LINK_DAYS from now otherwise."
    )
    minimum_payment: PositiveAmount | None = Field(
        default=None,
        description="Lets the payer pay a part: at least this much, and so that at least this much is left.",
    )
    allow_promotion_codes: bool = Field(
        default=False,
        description="For a draft: the payer may enter a promotion code, finalizes the draft by a button, and then pays.",
    )
    save_payment_method: bool = Field(
        default=False,
        description="Whether Stripe saves what the invoice is paid with, to charge the customer later. The page says so.",
    )
    return_url: Annotated[str, StringConstraints(pattern="^https?://[!-~]+$", max_length=2000)] | None = Field(
        default=None,
        examples=["https://shop.example/orders/4711"],
        description="Where the page leads the payer back to after paying. Its origin must be one of "
        "PAYMENT_LINK_RETURN_ORIGINS; in development it may be this machine's.",
    )


class PaymentLinkRead(Shown):
    """A link that opens the payment page of one invoice, for whoever has it."""

    id: str = Field(examples=["plk_4f0c2a9e5b6d4b0f9f5d1c7a8e3b2d10"])
    invoice: str = Field(examples=["in_1PgF"])
    expires_at: datetime
    minimum_payment: int | None = Field(description="The least part that may be paid; null: only all of it.")
    url: str = Field(examples=["https://billing.example.com/pay/eyJ0IjoiaW5fMVBnRiJ9.c2lnbmVk"])
