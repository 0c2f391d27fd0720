"""What the balance report answers."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.domain.balance import Heading
from app.http.schemas import Shown

Amount = Annotated[int, Field(description="In minor units of the currency.")]


class BalanceDifference(Shown):
    """An object whose amount is not the same here and at Stripe. 0 also stands for an object that is unknown there."""

    heading: Heading
    id: Annotated[str, Field(description="Of a PaymentIntent (`paid`), a refund, or a dispute.", examples=["re_1Pq"])]
    currency: str
    ours: Amount
    stripe: Amount


class BalanceDay(Shown):
    """The money of one day (UTC) in one currency, as Stripe's balance transactions have it.

    credited: to customers' balances or out of band, by credit notes; Stripe moves no money for that. kept: paid less
    refunded, disputed and credited. fees: Stripe's. differences: where our rows say otherwise.
    """

    day: Annotated[date, Field(examples=["2026-11-22"])]
    currency: str
    paid: Amount
    refunded: Amount
    disputed: Amount
    credited: Amount
    kept: Amount
    fees: Amount
    differences: list[BalanceDifference]
    checked_at: Annotated[datetime, Field(examples=["2026-11-22T12:00:00Z"])]


class BalanceReport(Shown):
    """The days, in order. balanced: no day has a difference."""

    balanced: bool
    days: list[BalanceDay]
