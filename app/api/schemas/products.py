"""Products and prices: what is sold, and for how much."""

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from app.api.parameters import IdWanted, ReferenceWanted
from app.api.queries import Paging
from app.api.schemas.shared import (
    Create,
    Currency,
    Metadata,
    MetadataUpdate,
    Reference,
    Shown,
    StripeId,
    Text,
    UnitAmount,
    UnitAmountDecimal,
    Update,
)
from app.domain.money import problem_with_amount


class ProductCreate(Create):
    name: Text = Field(min_length=1, max_length=250, examples=["Consulting"])
    description: Text | None = Field(default=None, max_length=5000)
    active: bool = True
    metadata: Metadata = {}
    reference: Reference | None = None


class ProductUpdate(Update):
    name: Text = Field(default="", min_length=1, max_length=250, examples=["Consulting"])
    description: Text | None = Field(default=None, max_length=5000)
    active: bool = True
    metadata: MetadataUpdate = {}


class ProductRead(Shown):
    id: str = Field(examples=["prod_QZ4a"])
    name: str
    description: str | None
    active: bool
    metadata: dict[str, str]
    reference: str | None
    livemode: bool
    created_at: datetime
    updated_at: datetime


class PriceCreate(Create):
    product: StripeId = Field(examples=["prod_QZ4a"])
    unit_amount: UnitAmount | None = Field(default=None, examples=[12000])
    unit_amount_decimal: UnitAmountDecimal | None = None
    currency: Currency
    nickname: Text | None = Field(default=None, max_length=500)
    lookup_key: Text | None = Field(default=None, min_length=1, max_length=200)
    metadata: Metadata = {}
    reference: Reference | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.unit_amount is None) == (self.unit_amount_decimal is None):
            raise ValueError("exactly one of unit_amount and unit_amount_decimal must be given")
        problem = self.unit_amount is not None and problem_with_amount(self.unit_amount, self.currency)
        if problem:
            raise ValueError(f"unit_amount {problem}")
        return self


class PriceUpdate(Update):
    active: bool = Field(default=True, examples=[False])
    nickname: Text | None = Field(default=None, max_length=500)
    lookup_key: Text | None = Field(default=None, min_length=1, max_length=200)
    metadata: MetadataUpdate = {}


class PriceRead(Shown):
    id: str = Field(examples=["price_1Pgf"])
    product: str
    active: bool
    currency: str
    unit_amount: int | None
    unit_amount_decimal: str | None
    nickname: str | None
    lookup_key: str | None
    metadata: dict[str, str]
    reference: str | None
    livemode: bool
    created_at: datetime
    updated_at: datetime


class ProductsWanted(Paging):
    """Which products are listed."""

    reference: ReferenceWanted = None
    active: bool | None = None


class PricesWanted(Paging):
    """Which prices are listed."""

    product: IdWanted = None
    reference: ReferenceWanted = None
    active: bool | None = None
