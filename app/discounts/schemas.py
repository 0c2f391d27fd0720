"""Coupons and promotion codes. `From` says where a field stands in Stripe's object."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.domain.json import JsonObject, JsonView
from app.domain.money import LONGER, MAX_AMOUNT, plain, problem_with_amount
from app.domain.sources import REFERENCE, From, Group, Identity, Ours, Passing, id_of, time, without_reference
from app.http.schema_rules import INTEGER, NULL, TEXT, WrongFields, any_of, form, one_of
from app.http.schemas import (
    CouponId,
    Create,
    Currency,
    Metadata,
    MetadataUpdate,
    OwnReference,
    PositiveAmount,
    Request,
    Shown,
    StripeId,
    Text,
    Time,
    Update,
)

PercentOff = Annotated[
    str,
    StringConstraints(pattern=r"^(100(\.0{1,2})?|[1-9][0-9]?(\.[0-9]{1,2})?|0\.(0[1-9]|[1-9][0-9]?))$"),
    Field(description="Percent, more than 0 and at most 100, with at most 2 decimals."),
]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Duration = Literal["once", "repeating", "forever"]
Code = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9-]{1,200}$")]
RESTRICTIONS = ("first_time_transaction", "minimum_amount", "minimum_amount_currency")


class AppliesToParams(Request):
    products: list[StripeId] = Field(min_length=1, max_length=100, description="Only items of these are discounted.")


SHORT: JsonObject = {"type": "integer", "maximum": MAX_AMOUNT}
LONG: JsonObject = {"type": "integer", "minimum": MAX_AMOUNT + 1}
LONGER_CURRENCY: JsonObject = {"enum": list(LONGER)}
"""Amounts that every currency allows, those that few allow, and these currencies."""


class CouponCreate(Create):
    """Either `percent_off`, or `amount_off` with its currency."""

    demands: ClassVar[JsonObject] = one_of(
        form("percent_off", percent_off=TEXT, amount_off=NULL, currency=NULL),
        form("amount_off", "currency", amount_off=SHORT, currency=TEXT, percent_off=NULL),
        form("amount_off", "currency", amount_off=LONG, currency=LONGER_CURRENCY, percent_off=NULL),
    ) | any_of(
        form("duration", "duration_in_months", duration={"const": "repeating"}, duration_in_months=INTEGER),
        form(duration={"enum": ["once", "forever"]}, duration_in_months=NULL),
    )

    id: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{1,200}$")] | None = Field(
        default=None, description="An id of your own. Without it, Stripe chooses one."
    )
    name: Text | None = Field(
        default=None, min_length=1, max_length=40, description="What payers see.", examples=["Spring sale"]
    )
    percent_off: PercentOff | None = Field(default=None, examples=["10"])
    amount_off: PositiveAmount | None = None
    currency: Currency | None = None
    duration: Duration = Field(default="once", description="Counts for subscriptions; an invoice takes it off once.")
    duration_in_months: Annotated[int, Field(ge=1, le=1200)] | None = None
    max_redemptions: Count | None = None
    redeem_by: Time | None = None
    applies_to: AppliesToParams | None = None
    metadata: Metadata = {}
    reference: OwnReference = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.percent_off is None) == (self.amount_off is None):
            raise WrongFields("exactly one of percent_off and amount_off must be given", "percent_off", "amount_off")
        if (self.amount_off is None) != (self.currency is None):
            raise WrongFields("goes with amount_off, and amount_off needs it", "currency")
        if self.amount_off and self.currency and (problem := problem_with_amount(self.amount_off, self.currency)):
            raise WrongFields(problem, "amount_off")
        if (self.duration == "repeating") != (self.duration_in_months is not None):
            raise WrongFields("goes with duration `repeating`, which needs it", "duration_in_months")
        return self


class CouponUpdate(Update):
    name: Text | None = Field(default=None, min_length=1, max_length=40, examples=["Spring sale"])
    metadata: MetadataUpdate = {}


class CouponRead(Shown):
    id: Annotated[str, From("id"), Identity] = Field(examples=["SPRING26"])
    name: Annotated[str | None, From("name")] = Field(examples=["Spring sale"])
    percent_off: Annotated[str | None, From("percent_off", lambda off: None if off is None else plain(off))] = Field(
        examples=["10"]
    )
    amount_off: Annotated[int | None, From("amount_off")]
    currency: Annotated[str | None, From("currency")] = Field(description="Of `amount_off`.")
    duration: Annotated[str, From("duration")] = Field(examples=["once"])
    duration_in_months: Annotated[int | None, From("duration_in_months")]
    max_redemptions: Annotated[int | None, From("max_redemptions")]
    times_redeemed: Annotated[int, From("times_redeemed"), Passing] = Field(
        description="As Stripe said last: it does not tell of each redemption."
    )
    redeem_by: Annotated[datetime | None, From("redeem_by", time)]
    valid: Annotated[bool, From("valid"), Passing] = Field(
        description="Whether it could be redeemed, as Stripe said last."
    )
    metadata: Annotated[dict[str, str], From("metadata?", without_reference)]
    reference: Annotated[str | None, From("metadata?", REFERENCE)]
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]


class PromotionParams(Request):
    type: Literal["coupon"] = "coupon"
    coupon: CouponId = Field(description="The coupon that the code redeems.", examples=["SPRING26"])


class RestrictionsParams(Request):
    first_time_transaction: bool = Field(default=False, description="Only for customers who never paid.")
    minimum_amount: PositiveAmount | None = None
    minimum_amount_currency: Currency | None = None

    @model_validator(mode="after")
    def _amount_of_a_currency(self) -> Self:
        if (self.minimum_amount is None) != (self.minimum_amount_currency is None):
            raise WrongFields("must be given together", "minimum_amount", "minimum_amount_currency")
        return self

    demands: ClassVar[JsonObject] = one_of(
        form("minimum_amount", "minimum_amount_currency", minimum_amount=SHORT, minimum_amount_currency=TEXT),
        form("minimum_amount", "minimum_amount_currency", minimum_amount=LONG, minimum_amount_currency=LONGER_CURRENCY),
        form(minimum_amount=NULL, minimum_amount_currency=NULL),
    )


class PromotionCodeCreate(Create):
    promotion: PromotionParams
    code: Code | None = Field(
        default=None,
        description="What payers enter; upper and lower case are the same. Without it, Stripe chooses one.",
        examples=["SPRING"],
    )
    active: bool = True
    customer: StripeId | None = Field(default=None, description="The only customer who may use it.")
    expires_at: Time | None = None
    max_redemptions: Count | None = None
    restrictions: RestrictionsParams | None = None
    metadata: Metadata = {}
    reference: OwnReference = None


class PromotionCodeUpdate(Update):
    active: bool = Field(default=True, examples=[False])
    metadata: MetadataUpdate = {}


class PromotionRead(Shown):
    type: Annotated[str, From("promotion", "type")] = Field(examples=["coupon"])
    coupon: Annotated[str | None, From("promotion", "coupon", id_of)] = Field(examples=["SPRING26"])


class RestrictionsRead(Shown):
    first_time_transaction: bool
    minimum_amount: int | None
    minimum_amount_currency: str | None


def restrictions(found: JsonView) -> JsonObject:
    """The restrictions, without amounts in other currencies: events do not show these."""
    return {name: found.get(name) for name in RESTRICTIONS}


class PromotionCodeRead(Shown):
    id: Annotated[str, From("id"), Identity] = Field(examples=["promo_1Pgf"])
    code: Annotated[str, From("code")] = Field(examples=["SPRING"])
    promotion: Annotated[PromotionRead, Group]
    active: Annotated[bool, From("active")] = Field(description="As Stripe said last.")
    customer: Annotated[str | None, From("customer", id_of)]
    expires_at: Annotated[datetime | None, From("expires_at", time)]
    max_redemptions: Annotated[int | None, From("max_redemptions")]
    times_redeemed: Annotated[int, From("times_redeemed"), Passing] = Field(
        description="As Stripe said last: it does not tell of each redemption."
    )
    restrictions: Annotated[RestrictionsRead, From("restrictions", restrictions)]
    metadata: Annotated[dict[str, str], From("metadata?", without_reference)]
    reference: Annotated[str | None, From("metadata?", REFERENCE)]
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]
