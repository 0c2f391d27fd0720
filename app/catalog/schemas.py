"""Products and prices: what is sold, and for how much. `From` says where a field stands in Stripe's object."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from app.domain.sources import REFERENCE, From, Identity, Ours, id_of, listed, time, without_reference
from app.http.schemas import (
    EXPAND,
    SUBSCRIPTIONS,
    Create,
    Metadata,
    MetadataUpdate,
    OwnReference,
    Request,
    Shown,
    StripeId,
    Text,
    UnitAmount,
    Update,
)
from app.http.stripe_schemas import (
    PAY_WHAT_YOU_WANT,
    TAX_DETAILS,
    TIERS,
    CurrencyOptions,
    OfOneProduct,
    ProductDataParams,
    TaxBehavior,
    UnitPriced,
    Url,
)


class DefaultPriceParams(UnitPriced):
    """A price that is made with the product."""

    refused: ClassVar[Mapping[str, str]] = {"recurring": SUBSCRIPTIONS, "custom_unit_amount": PAY_WHAT_YOU_WANT}

    unit_amount: UnitAmount | None = Field(default=None, examples=[12000])
    currency_options: CurrencyOptions | None = None
    metadata: Metadata = {}


class ProductFields(Request):
    refused: ClassVar[Mapping[str, str]] = {
        "expand": EXPAND,
        "id": "not passed on: Stripe chooses ids; give a reference",
        "marketing_features": "out of scope: pricing tables",
        "package_dimensions": "out of scope: legacy orders",
        "shippable": "out of scope: legacy orders",
        "statement_descriptor": "out of scope: it is for subscriptions; give it with the invoice",
        "tax_details": TAX_DETAILS,
        "type": "out of scope: legacy orders",
    }

    name: Text | None = Field(default=None, min_length=1, max_length=250, examples=["Consulting"])
    description: Text | None = Field(default=None, max_length=5000)
    active: bool | None = None
    tax_code: StripeId | None = Field(default=None, examples=["txcd_10000000"])
    unit_label: Text | None = Field(default=None, max_length=12, examples=["hour"])
    images: Annotated[list[Url], Field(max_length=8)] | None = None
    url: Url | None = None


class ProductCreate(ProductFields, Create):
    refused: ClassVar[Mapping[str, str]] = {
        **ProductFields.refused,
        "default_price": "not passed on: a new product has no price yet; give default_price_data",
    }
    absent: ClassVar[tuple[str, ...]] = ("images",)

    name: Text = Field(min_length=1, max_length=250, examples=["Consulting"])
    active: bool = True
    default_price_data: DefaultPriceParams | None = None
    metadata: Metadata = {}
    reference: OwnReference = None


class ProductUpdate(ProductFields, Update):
    never_null: ClassVar[tuple[str, ...]] = ("name", "active")

    default_price: StripeId | None = Field(default=None)
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


class PriceFields(Request):
    refused: ClassVar[Mapping[str, str]] = {
        "billing_scheme": TIERS,
        "custom_unit_amount": PAY_WHAT_YOU_WANT,
        "expand": EXPAND,
        "recurring": SUBSCRIPTIONS,
        "tiers": TIERS,
        "tiers_mode": TIERS,
        "transform_quantity": "out of scope: prices of packages",
    }

    active: bool | None = None
    nickname: Text | None = Field(default=None, max_length=500)
    lookup_key: Text | None = Field(default=None, min_length=1, max_length=200)
    transfer_lookup_key: bool | None = Field(
        default=None, description="Whether the lookup key is taken from the price that has it."
    )
    tax_behavior: TaxBehavior | None = None
    currency_options: CurrencyOptions | None = None


class PriceProductParams(ProductDataParams):
    """A product that is made with the price."""

    refused: ClassVar[Mapping[str, str]] = {
        **ProductDataParams.refused,
        "id": ProductFields.refused["id"],
        "statement_descriptor": ProductFields.refused["statement_descriptor"],
    }

    active: bool | None = None


class PriceCreate(PriceFields, OfOneProduct, Create):
    product: StripeId | None = Field(default=None, examples=["prod_QZ4a"])
    product_data: PriceProductParams | None = None
    unit_amount: UnitAmount | None = Field(default=None, examples=[12000])
    metadata: Metadata = {}
    reference: OwnReference = None


class PriceUpdate(PriceFields, Update):
    never_null: ClassVar[tuple[str, ...]] = ("active", "transfer_lookup_key", "tax_behavior")

    active: bool | None = Field(default=None, examples=[False])
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
