"""Customers: who is invoiced. `From` says where a field stands in Stripe's object."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal

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
    ACCOUNTS,
    EXPAND,
    SOURCES,
    Amount,
    Create,
    CustomFieldRead,
    CustomFields,
    Email,
    Metadata,
    MetadataUpdate,
    OwnReference,
    Request,
    Shown,
    StripeId,
    Text,
    Update,
)
from app.http.stripe_schemas import AddressParams, AmountTaxDisplay, ShippingParams, TaxIdType

Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class RenderingOptionsParams(Request):
    amount_tax_display: AmountTaxDisplay | None = None
    template: StripeId | None = Field(default=None, examples=["inrtem_1Pgf"])


PreferredLocales = Annotated[
    list[Locale],
    Field(min_length=1, max_length=20, description="Languages of this customer, the preferred one first: BCP 47 tags."),
]


class InvoiceSettingsParams(Request):
    """What drafts inherit: they copy custom fields, footer and rendering when they are made."""

    default_payment_method: StripeId | None = None
    custom_fields: CustomFields | None = None
    footer: Text | None = Field(default=None, max_length=5000)
    rendering_options: RenderingOptionsParams | None = None


class TaxLocationParams(Request):
    """What Stripe derives the customer's tax location from, beside the address."""

    absent: ClassVar[tuple[str, ...]] = ("validate_location",)

    ip_address: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f.:]{2,45}$")] | None = Field(
        default=None, examples=["203.0.113.7"]
    )
    validate_location: Literal["auto", "deferred", "immediately"] | None = Field(
        default=None, description="`immediately`: refuse what gives no tax location. `auto` is for changes only."
    )


class TaxIdParams(Request):
    type: TaxIdType
    value: Text = Field(min_length=1, max_length=100, examples=["DE123456789"])


class CustomerFields(Request):
    refused: ClassVar[Mapping[str, str]] = {
        "cash_balance": "out of scope: how bank transfers are matched; it is a setting of the account",
        "source": SOURCES,
        "default_source": SOURCES,
        "expand": EXPAND,
        "validate": "out of scope: checks of legacy sources",
        "test_clock": "out of scope: test clocks",
        "customer_account": ACCOUNTS,
    }

    name: Text | None = Field(default=None, max_length=256, examples=["Jenny Rosen"])
    business_name: Text | None = Field(default=None, max_length=150)
    individual_name: Text | None = Field(default=None, max_length=150)
    email: Email | None = Field(default=None, max_length=512, examples=["jenny.rosen@example.com"])
    description: Text | None = Field(default=None, max_length=5000)
    phone: Text | None = Field(default=None, max_length=20)
    address: AddressParams | None = None
    shipping: ShippingParams | None = None
    preferred_locales: PreferredLocales | None = Field(default=None, examples=[["de-AT", "en"]])
    tax_exempt: Literal["none", "exempt", "reverse"] | None = None
    tax: TaxLocationParams | None = None
    balance: Amount | None = Field(
        default=None, description="What the next invoices add; below zero, what they take off."
    )
    invoice_prefix: Annotated[str, StringConstraints(pattern="^[A-Z0-9]{1,12}$")] | None = Field(
        default=None, description="What the numbers of the customer's invoices begin with."
    )
    next_invoice_sequence: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="The number of the next invoice, after the prefix."
    )
    invoice_settings: InvoiceSettingsParams | None = None


class CustomerCreate(CustomerFields, Create):
    absent: ClassVar[tuple[str, ...]] = ("tax_id_data",)

    metadata: Metadata = {}
    reference: OwnReference = None
    payment_method: StripeId | None = Field(default=None, examples=["pm_card_visa"])
    tax_id_data: Annotated[list[TaxIdParams], Field(max_length=5)] | None = None


class CustomerUpdate(CustomerFields, Update):
    never_null: ClassVar[tuple[str, ...]] = (
        "tax", "balance", "invoice_prefix", "next_invoice_sequence", "invoice_settings",
        "preferred_locales",
    )  # fmt: skip

    metadata: MetadataUpdate = {}


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
    currency: Annotated[str | None, From("currency", since=2), Passing] = Field(
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
