"""Payment links, as they are asked for and shown."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from app.http.schemas import Request, Shown, Time

LONGEST = timedelta(days=365)


def _soon_enough(value: datetime) -> datetime:
    if not datetime.now(UTC) < value <= datetime.now(UTC) + LONGEST:
        raise ValueError("must be in the future, and within a year")
    return value


class PaymentLinkCreate(Request):
    expires_at: Annotated[Time, AfterValidator(_soon_enough)] | None = Field(
        default=None, description="Until when the link is good; PAYMENT_LINK_DAYS from now otherwise."
    )


class PaymentLinkRead(Shown):
    """A link that opens the payment page of one invoice, for whoever has it."""

    id: str = Field(examples=["plk_4f0c2a9e5b6d4b0f9f5d1c7a8e3b2d10"])
    invoice: str = Field(examples=["in_1PgF"])
    expires_at: datetime
    url: str
