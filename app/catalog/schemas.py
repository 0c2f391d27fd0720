"""Products and prices: what is sold, and for how much."""

from datetime import datetime

from pydantic import Field

from app.http.parameters import IdWanted, ReferenceWanted
from app.http.queries import Paging
from app.http.schemas import (
    Create,
    Metadata,
    MetadataUpdate,
    Reference,
    Shown,
    StripeId,
    Text,
    UnitAmount,
    UnitPriced,
    Update,
)


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


class PriceCreate(UnitPriced, Create):
    product: StripeId = Field(examples=["prod_QZ4a"])
    unit_amount: UnitAmount | None = Field(default=None, examples=[12000])
    nickname: Text | None = Field(default=None, max_length=500)
    lookup_key: Text | None = Field(default=None, min_length=1, max_length=200)
    metadata: Metadata = {}
    reference: Reference | None = None


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
