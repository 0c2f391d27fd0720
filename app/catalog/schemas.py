"""Products and prices: what is sold, and for how much. `From` says where a field stands in Stripe's object."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.domain.sources import REFERENCE, From, Identity, Ours, id_of, listed, time, without_reference
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
    id: Annotated[str, From("id"), Identity] = Field(examples=["prod_QZ4a"])
    name: Annotated[str, From("name")]
    description: Annotated[str | None, From("description")]
    active: Annotated[bool, From("active")]
    default_price: Annotated[str | None, From("default_price", id_of, since=2)] = Field(examples=["price_1Pgf"])
    tax_code: Annotated[str | None, From("tax_code", id_of, since=2)] = Field(examples=["txcd_10000000"])
    unit_label: Annotated[str | None, From("unit_label", since=2)] = Field(examples=["hour"])
    images: Annotated[list[str], From("images", listed, since=2)]
    url: Annotated[str | None, From("url", since=2)]
    metadata: Annotated[dict[str, str], From("metadata", without_reference)]
    reference: Annotated[str | None, From("metadata?", REFERENCE)]
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]


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
    id: Annotated[str, From("id"), Identity] = Field(examples=["price_1Pgf"])
    product: Annotated[str, From("product", id_of)]
    active: Annotated[bool, From("active")]
    currency: Annotated[str, From("currency")]
    unit_amount: Annotated[int | None, From("unit_amount")]
    unit_amount_decimal: Annotated[str | None, From("unit_amount_decimal")]
    nickname: Annotated[str | None, From("nickname")]
    lookup_key: Annotated[str | None, From("lookup_key")]
    tax_behavior: Annotated[str | None, From("tax_behavior", since=2)] = Field(examples=["exclusive"])
    metadata: Annotated[dict[str, str], From("metadata", without_reference)]
    reference: Annotated[str | None, From("metadata?", REFERENCE)]
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]


class PriceDocument(PriceRead):
    """What is kept of a price: what is shown, and what only we need."""

    type: Annotated[str, From("type")]
