"""Objects of Stripe's that the requests of several nouns take."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.domain.json import JsonObject
from app.domain.money import LONGER, MAX_AMOUNT, problem_with_amount, problem_with_size
from app.http.schema_rules import INTEGER, NULL, TEXT, WrongFields, any_of, form, one_of
from app.http.schemas import (
    CouponId,
    Create,
    Currency,
    Metadata,
    Request,
    StripeId,
    Text,
    UnitAmount,
    UnitAmountDecimal,
)

TaxBehavior = Annotated[
    Literal["exclusive", "inclusive", "unspecified"], Field(description="Whether the amount has the tax in it.")
]
AmountTaxDisplay = Literal["exclude_tax", "include_inclusive_tax"]
TaxIdType = Annotated[str, StringConstraints(pattern="^[a-z]{2}_[a-z_]{1,40}$"), Field(examples=["eu_vat"])]
Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\x00-\x20]{1,2000}$"),
    Field(examples=["https://example.com/consulting"]),
]
QuantityDecimal = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,12})?$"),
    Field(description="With at most 12 decimals, e.g. `3.5`."),
]
TaxRates = Annotated[list[StripeId], Field(max_length=20)]
AMOUNTS = ("unit_amount", "unit_amount_decimal")
ONE_AMOUNT = "exactly one of unit_amount and unit_amount_decimal must be given"
BY_UNIT = one_of(
    form("unit_amount", unit_amount=INTEGER, unit_amount_decimal=NULL),
    form("unit_amount_decimal", unit_amount=NULL, unit_amount_decimal=TEXT),
)
WITHIN_LIMITS = any_of(
    form(unit_amount={"maximum": MAX_AMOUNT}, unit_amount_decimal={"pattern": r"^[0-9]{1,8}(\.[0-9]{1,12})?$"}),
    form(currency={"enum": list(LONGER)}),
)
TIERS = "out of scope: prices with tiers"
PAY_WHAT_YOU_WANT = "out of scope: prices that the payer chooses"
TAX_DETAILS = "out of scope: where a service is performed; give tax_code"


class AddressParams(Request):
    line1: Text | None = Field(default=None, max_length=500)
    line2: Text | None = Field(default=None, max_length=500)
    city: Text | None = Field(default=None, max_length=500)
    state: Text | None = Field(default=None, max_length=500)
    postal_code: Text | None = Field(default=None, max_length=50)
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2")


class ShippingParams(Request):
    """Where goods go."""

    name: Text = Field(max_length=256, examples=["Jenny Rosen"])
    address: AddressParams
    phone: Text | None = Field(default=None, max_length=20)


class Priced(Create):
    """An amount for each unit, in whole minor units or finer."""

    refused: ClassVar[Mapping[str, str]] = {"tiers": TIERS, "custom_unit_amount": PAY_WHAT_YOU_WANT}

    unit_amount: UnitAmount | None = None
    unit_amount_decimal: UnitAmountDecimal | None = None
    tax_behavior: TaxBehavior | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.unit_amount is None) == (self.unit_amount_decimal is None):
            raise WrongFields(ONE_AMOUNT, *AMOUNTS)
        return self

    def require_size(self, currency: str) -> None:
        """Raise WrongFields if Stripe would refuse the amount in `currency`."""
        if self.unit_amount is not None and (problem := problem_with_amount(self.unit_amount, currency)):
            raise WrongFields(problem, "unit_amount")
        whole = int((self.unit_amount_decimal or "0").partition(".")[0])
        if problem := problem_with_size(whole, currency):
            raise WrongFields(problem, "unit_amount_decimal")


class CurrencyOptionParams(Priced):
    """The price in a further currency."""

    demands: ClassVar[JsonObject] = BY_UNIT


CurrencyOptions = Annotated[
    dict[Annotated[str, StringConstraints(pattern="^[a-z]{3}$")], CurrencyOptionParams],
    Field(max_length=140, description="By currency.", examples=[{"eur": {"unit_amount": 11000}}]),
]


class UnitPriced(Priced):
    """What has a price for each unit, in one currency."""

    demands: ClassVar[JsonObject] = BY_UNIT | WITHIN_LIMITS

    currency: Currency

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.require_size(self.currency)
        return self


class ProductDataParams(Create):
    """A product made for this price alone."""

    refused: ClassVar[Mapping[str, str]] = {"tax_details": TAX_DETAILS}

    name: Text = Field(min_length=1, max_length=250, examples=["Consulting"])
    tax_code: StripeId | None = Field(default=None, examples=["txcd_10000000"])
    unit_label: Text | None = Field(default=None, max_length=12, examples=["hour"])
    metadata: Metadata = {}


class OfOneProduct(UnitPriced):
    """What has a price for each unit, and is of a product or of one that is made with it."""

    demands: ClassVar[JsonObject] = UnitPriced.demands | {
        "allOf": [
            one_of(
                form("product", product=TEXT, product_data=NULL),
                form("product_data", product=NULL, product_data={"type": "object"}),
            )
        ]
    }

    product: StripeId | None = None
    product_data: ProductDataParams | None = None

    @model_validator(mode="after")
    def _one_product(self) -> Self:
        if (self.product is None) == (self.product_data is None):
            raise WrongFields("exactly one of product and product_data must be given", "product", "product_data")
        return self


class DiscountParams(Create):
    """One of `coupon`, `promotion_code` and `discount`, which is one that exists already."""

    demands: ClassVar[JsonObject] = one_of(
        form("coupon", coupon=TEXT, promotion_code=NULL, discount=NULL),
        form("promotion_code", coupon=NULL, promotion_code=TEXT, discount=NULL),
        form("discount", coupon=NULL, promotion_code=NULL, discount=TEXT),
    )

    coupon: CouponId | None = Field(default=None, examples=["SUMMER10"])
    promotion_code: StripeId | None = None
    discount: StripeId | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.coupon, self.promotion_code, self.discount)) != 1:
            raise WrongFields(
                "exactly one of coupon, promotion_code and discount must be given",
                "coupon", "promotion_code", "discount",
            )  # fmt: skip
        return self


Discounts = Annotated[list[DiscountParams], Field(max_length=20)]


class PartyParams(Create):
    """`self`, or a connected account."""

    demands: ClassVar[JsonObject] = one_of(
        form("account", type={"const": "account"}, account=TEXT), form(type={"const": "self"}, account=NULL)
    )

    type: Literal["self", "account"] = Field(examples=["self"])
    account: StripeId | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.type == "account") != (self.account is not None):
            raise WrongFields("goes with the type account, and must be given with it", "account")
        return self
