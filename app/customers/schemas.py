"""Customers: who is invoiced."""

from datetime import datetime

from pydantic import Field

from app.http.parameters import EmailWanted, ReferenceWanted
from app.http.queries import Paging
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


class Address(Request):
    line1: Text | None = Field(default=None, max_length=500)
    line2: Text | None = Field(default=None, max_length=500)
    city: Text | None = Field(default=None, max_length=500)
    state: Text | None = Field(default=None, max_length=500)
    postal_code: Text | None = Field(default=None, max_length=50)
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2")


class InvoiceSettings(Request):
    """What drafts inherit: they copy custom fields and footer when they are made."""

    default_payment_method: StripeId | None = None
    custom_fields: CustomFields | None = None
    footer: Text | None = Field(default=None, max_length=5000)


class CustomerCreate(Create):
    name: Text | None = Field(default=None, max_length=256, examples=["Jenny Rosen"])
    email: Email | None = Field(default=None, max_length=512, examples=["jenny.rosen@example.com"])
    description: Text | None = Field(default=None, max_length=5000)
    phone: Text | None = Field(default=None, max_length=20)
    address: Address | None = None
    metadata: Metadata = {}
    reference: Reference | None = None
    payment_method: StripeId | None = Field(default=None, examples=["pm_card_visa"])
    invoice_settings: InvoiceSettings | None = None


class CustomerUpdate(Update):
    name: Text | None = Field(default=None, max_length=256, examples=["Jenny Rosen"])
    email: Email | None = Field(default=None, max_length=512)
    description: Text | None = Field(default=None, max_length=5000)
    phone: Text | None = Field(default=None, max_length=20)
    address: Address | None = None
    metadata: MetadataUpdate = {}
    invoice_settings: InvoiceSettings | None = None


class InvoiceSettingsRead(Shown):
    default_payment_method: str | None
    custom_fields: list[CustomFieldRead]
    footer: str | None


class AddressRead(Shown):
    line1: str | None
    line2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    country: str | None


class CustomerRead(Shown):
    id: str = Field(examples=["cus_QXg1"])
    name: str | None
    email: str | None
    description: str | None
    phone: str | None
    address: AddressRead | None
    metadata: dict[str, str]
    reference: str | None
    invoice_settings: InvoiceSettingsRead
    livemode: bool
    created_at: datetime
    updated_at: datetime


class CustomersWanted(Paging):
    """Which customers are listed."""

    email: EmailWanted = None
    reference: ReferenceWanted = None
