"""Customers: who is invoiced. `From` says where a field stands in Stripe's object."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from app.domain.sources import (
    REFERENCE,
    From,
    Group,
    Identity,
    Ours,
    Passing,
    Personal,
    id_of,
    listed,
    taken,
    time,
    without_reference,
)
from app.http.schemas import (
    Create,
    CustomFieldRead,
    CustomFields,
    Email,
    Metadata,
    MetadataUpdate,
    Reference,
    Request,
    Shown,
    StripeId,
    Text,
    Update,
)

Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class AddressParams(Request):
    line1: Text | None = Field(default=None, max_length=500)
    line2: Text | None = Field(default=None, max_length=500)
    city: Text | None = Field(default=None, max_length=500)
    state: Text | None = Field(default=None, max_length=500)
    postal_code: Text | None = Field(default=None, max_length=50)
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2")


PreferredLocales = Annotated[
    list[Locale], Field(max_length=20, description="Languages of this customer, the preferred one first: BCP 47 tags.")
]


class InvoiceSettingsParams(Request):
    """What drafts inherit: they copy custom fields and footer when they are made."""

    default_payment_method: StripeId | None = None
    custom_fields: CustomFields | None = None
    footer: Text | None = Field(default=None, max_length=5000)


class CustomerCreate(Create):
    name: Text | None = Field(default=None, max_length=256, examples=["Jenny Rosen"])
    email: Email | None = Field(default=None, max_length=512, examples=["jenny.rosen@example.com"])
    description: Text | None = Field(default=None, max_length=5000)
    phone: Text | None = Field(default=None, max_length=20)
    address: AddressParams | None = None
    preferred_locales: PreferredLocales | None = Field(default=None, examples=[["de-AT", "en"]])
    metadata: Metadata = {}
    reference: Reference | None = None
    payment_method: StripeId | None = Field(default=None, examples=["pm_card_visa"])
    invoice_settings: InvoiceSettingsParams | None = None


class CustomerUpdate(Update):
    name: Text | None = Field(default=None, max_length=256, examples=["Jenny Rosen"])
    email: Email | None = Field(default=None, max_length=512)
    description: Text | None = Field(default=None, max_length=5000)
    phone: Text | None = Field(default=None, max_length=20)
    address: AddressParams | None = None
    preferred_locales: PreferredLocales | None = Field(default=None, examples=[["de-AT", "en"]])
    metadata: MetadataUpdate = {}
    invoice_settings: InvoiceSettingsParams | None = None


class RenderingOptions(Shown):
    amount_tax_display: str | None = Field(examples=["exclude_tax"])
    template: str | None = Field(examples=["inrtem_1Pgf"])


class InvoiceSettingsRead(Shown):
    default_payment_method: Annotated[str | None, From("invoice_settings?", "default_payment_method", id_of)]
    custom_fields: Annotated[list[CustomFieldRead], From("invoice_settings?", "custom_fields", listed)]
    footer: Annotated[str | None, From("invoice_settings?", "footer")]
    rendering_options: Annotated[
        RenderingOptions | None, From("invoice_settings?", "rendering_options", taken(RenderingOptions), since=2)
    ]


class AddressRead(Shown):
    line1: str | None
    line2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None


class ShippingRead(Shown):
    name: str | None
    phone: str | None
    address: AddressRead | None


class CustomerRead(Shown):
    id: Annotated[str, From("id"), Identity] = Field(examples=["cus_QXg1"])
    name: Annotated[str | None, From("name"), Personal]
    email: Annotated[str | None, From("email"), Personal]
    description: Annotated[str | None, From("description"), Personal]
    phone: Annotated[str | None, From("phone"), Personal]
    address: Annotated[AddressRead | None, From("address"), Personal]
    business_name: Annotated[str | None, From("business_name", since=2), Personal]
    individual_name: Annotated[str | None, From("individual_name", since=2), Personal]
    shipping: Annotated[ShippingRead | None, From("shipping", taken(ShippingRead), since=2), Personal]
    preferred_locales: Annotated[list[str], From("preferred_locales", listed, since=2)] = Field(examples=[["de"]])
    currency: Annotated[str | None, From("currency", since=2)] = Field(
        description="The currency of what was invoiced first; others are refused while anything of it is under way."
    )
    balance: Annotated[int | None, From("balance", since=2)] = Field(
        description="What the next invoices take into account: a credit is negative, a debt positive."
    )
    delinquent: Annotated[bool | None, From("delinquent", since=2), Passing] = Field(
        description="Whether the newest invoice that Stripe charges by itself is overdue."
    )
    tax_exempt: Annotated[str | None, From("tax_exempt", since=2)] = Field(examples=["none"])
    invoice_prefix: Annotated[str | None, From("invoice_prefix", since=2)] = Field(examples=["X0ZBTQW5"])
    metadata: Annotated[dict[str, str], From("metadata", without_reference), Personal]
    reference: Annotated[str | None, From("metadata?", REFERENCE), Personal]
    invoice_settings: Annotated[InvoiceSettingsRead, Group, Personal]
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]
