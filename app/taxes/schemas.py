"""Tax rates and tax ids. `From` says where a field stands in Stripe's object."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from app.domain.money import plain
from app.domain.sources import REFERENCE, From, Identity, Ours, Personal, id_of, time, without_reference
from app.http.schemas import Create, Metadata, MetadataUpdate, OwnReference, Shown, Text, Update

Percentage = Annotated[
    str,
    StringConstraints(pattern=r"^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)$"),
    Field(description="Percent, from 0 to 100, with at most 4 decimals.", examples=["19"]),
]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$"), Field(description="ISO 3166-1 alpha-2")]
TaxType = Annotated[
    str, StringConstraints(pattern="^[a-z_]{2,40}$"), Field(description="Stripe's word, e.g. `vat`, `sales_tax`.")
]


class TaxRateCreate(Create):
    display_name: Text = Field(min_length=1, max_length=50, description="What payers see.", examples=["VAT"])
    percentage: Percentage
    inclusive: bool = Field(description="Whether prices include it already.", examples=[False])
    active: bool = True
    country: Country | None = Field(default=None, examples=["DE"])
    state: Text | None = Field(default=None, max_length=50)
    jurisdiction: Text | None = Field(default=None, max_length=50)
    tax_type: TaxType | None = Field(default=None, examples=["vat"])
    description: Text | None = Field(default=None, max_length=500, description="For you; payers do not see it.")
    metadata: Metadata = {}
    reference: OwnReference = None


class TaxRateUpdate(Update):
    display_name: Text = Field(default="", min_length=1, max_length=50)
    active: bool = Field(default=True, examples=[False])
    country: Country | None = None
    state: Text | None = Field(default=None, max_length=50)
    jurisdiction: Text | None = Field(default=None, max_length=50)
    tax_type: TaxType | None = None
    description: Text | None = Field(default=None, max_length=500)
    metadata: MetadataUpdate = {}


class TaxRateRead(Shown):
    id: Annotated[str, From("id"), Identity] = Field(examples=["txr_1Pgf"])
    display_name: Annotated[str, From("display_name")] = Field(examples=["VAT"])
    percentage: Annotated[str, From("percentage", plain)] = Field(examples=["19"])
    inclusive: Annotated[bool, From("inclusive")]
    active: Annotated[bool, From("active")]
    country: Annotated[str | None, From("country")] = Field(examples=["DE"])
    state: Annotated[str | None, From("state")]
    jurisdiction: Annotated[str | None, From("jurisdiction")]
    tax_type: Annotated[str | None, From("tax_type")] = Field(examples=["vat"])
    description: Annotated[str | None, From("description")]
    metadata: Annotated[dict[str, str], From("metadata?", without_reference)]
    reference: Annotated[str | None, From("metadata?", REFERENCE)]
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]


class TaxIdCreate(Create):
    type: Annotated[str, StringConstraints(pattern="^[a-z]{2}_[a-z0-9_]{1,30}$")] = Field(
        description="Stripe's word for the kind of number, e.g. `eu_vat`, `gb_vat`, `us_ein`.", examples=["eu_vat"]
    )
    value: Text = Field(min_length=1, max_length=100, examples=["DE123456789"])


class Verification(Shown):
    """What the authorities say of a tax id, as far as they are asked."""

    status: str = Field(description="`pending`, `verified`, `unverified` or `unavailable`.", examples=["verified"])
    verified_name: str | None
    verified_address: str | None


class TaxIdRead(Shown):
    id: Annotated[str, From("id"), Identity] = Field(examples=["txi_1Pgf"])
    customer: Annotated[str | None, From("customer", id_of)]
    type: Annotated[str, From("type")] = Field(examples=["eu_vat"])
    value: Annotated[str | None, From("value"), Personal] = Field(examples=["DE123456789"])
    country: Annotated[str | None, From("country")] = Field(examples=["DE"])
    verification: Annotated[Verification | None, From("verification"), Personal] = Field(
        description="Null where Stripe does not verify this type."
    )
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]
