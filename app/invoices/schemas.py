"""What requests give of an invoice."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.domain.json import JsonObject
from app.domain.reminders import METADATA
from app.domain.targets import To
from app.http.schema_rules import ABSENT, INTEGER, NULL, OBJECT, TEXT, WrongFields, any_of, form, one_of
from app.http.schemas import (
    ACCOUNTS,
    EXPAND,
    SOURCES,
    SUBSCRIPTIONS,
    Create,
    Currency,
    CustomFields,
    Metadata,
    MetadataUpdate,
    OwnReference,
    Reference,
    Request,
    StatementDescriptor,
    StripeId,
    Text,
    Time,
    UnitAmount,
    Update,
)
from app.http.stripe_schemas import AmountTaxDisplay, Discounts, PartyParams, ShippingParams, TaxBehavior, TaxRates
from app.invoices.item_schemas import Items
from app.invoices.payment_settings_schemas import PaymentSettingsParams
from app.invoices.policy_schemas import FulfillmentPolicy
from app.invoices.read_schemas import CollectionMethod

ONE_DUE = "only one of days_until_due and due_at may be given"

AllowEmpty = Annotated[
    bool,
    To(),
    Field(description="Whether an invoice without items may be finalized: it is `paid` and `fulfilled` at once."),
]

SEND: JsonObject = {"const": "send_invoice"}
CHARGE: JsonObject = {"const": "charge_automatically"}


class AutomaticTaxParams(Create):
    enabled: bool = Field(examples=[True])
    liability: PartyParams | None = Field(default=None, description="Who owes the tax.")


class PdfParams(Create):
    page_size: Literal["a4", "auto", "letter"] | None = None


class RenderingParams(Request):
    """How Stripe renders the invoice."""

    absent: ClassVar[tuple[str, ...]] = ("pdf",)

    amount_tax_display: AmountTaxDisplay | None = None
    pdf: PdfParams | None = None
    template: StripeId | None = Field(default=None, examples=["inrtem_1Pgf"])
    template_version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class DeliveryParams(Create):
    unit: Literal["hour", "day", "business_day", "week", "month"]
    value: Annotated[int, Field(ge=1, le=10_000)]


class DeliveryEstimateParams(Create):
    minimum: DeliveryParams | None = None
    maximum: DeliveryParams | None = None


class ShippingOptionParams(Create):
    amount: UnitAmount
    tax_behavior: TaxBehavior | None = None


class ShippingAmountParams(Create):
    amount: UnitAmount = Field(examples=[500])
    currency: Currency
    currency_options: (
        Annotated[
            dict[Annotated[str, StringConstraints(pattern="^[a-z]{3}$")], ShippingOptionParams], Field(max_length=140)
        ]
        | None
    ) = None


class ShippingRateDataParams(Create):
    """A shipping rate made for this invoice alone."""

    display_name: Text = Field(min_length=1, max_length=100, examples=["Ground shipping"])
    type: Literal["fixed_amount"] | None = None
    fixed_amount: ShippingAmountParams
    tax_behavior: TaxBehavior | None = None
    tax_code: StripeId | None = None
    delivery_estimate: DeliveryEstimateParams | None = None
    metadata: Metadata = {}


class ShippingCostParams(Create):
    demands: ClassVar[JsonObject] = one_of(
        form("shipping_rate", shipping_rate=TEXT, shipping_rate_data=NULL),
        form("shipping_rate_data", shipping_rate=NULL, shipping_rate_data=OBJECT),
    )

    shipping_rate: StripeId | None = Field(default=None, examples=["shr_1Pgf"])
    shipping_rate_data: ShippingRateDataParams | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.shipping_rate is None) == (self.shipping_rate_data is None):
            raise WrongFields(
                "exactly one of shipping_rate and shipping_rate_data must be given",
                "shipping_rate",
                "shipping_rate_data",
            )
        return self


class TransferDataParams(Create):
    """The connected account that gets the payment, or `amount` of it."""

    destination: StripeId = Field(examples=["acct_1Pgf"])
    amount: UnitAmount | None = None


class InvoiceFields(Request):
    """What both a new draft and a change may have. Each field is Stripe's parameter of that name unless it is marked."""

    refused: ClassVar[Mapping[str, str]] = {
        "customer_account": ACCOUNTS,
        "default_source": SOURCES,
        "due_date": "not passed on: give due_at",
        "expand": EXPAND,
        "from_invoice": "not passed on: POST /v1/invoices/{id}/revise makes a revision",
        "subscription": SUBSCRIPTIONS,
    }

    collection_method: CollectionMethod | None = None
    days_until_due: Annotated[int, Field(ge=0, le=1825)] | None = Field(
        default=None,
        description="With `send_invoice`. A new invoice without it and without `due_at` takes INVOICE_DAYS_UNTIL_DUE.",
        examples=[30],
    )
    due_at: Annotated[Time | None, To("due_date")] = None
    auto_advance: bool | None = Field(default=None, description="Whether Stripe finalizes and collects by itself.")
    automatically_finalizes_at: Time | None = Field(
        default=None, description="When Stripe finalizes the draft by itself: within 5 years."
    )
    effective_at: Time | None = Field(
        default=None, description="The printed date of issue; without it, when the invoice is finalized."
    )
    number: Annotated[str, StringConstraints(min_length=1, max_length=26, pattern=r"^[^\x00-\x1f]+$")] | None = Field(
        default=None, description="A number of your own. That numbers are unique and without gaps is up to you then."
    )
    description: Text | None = Field(default=None, max_length=1500)
    footer: Text | None = Field(default=None, max_length=5000)
    statement_descriptor: StatementDescriptor | None = None
    custom_fields: CustomFields | None = Field(default=None, description="Replaces what the customer would hand down.")
    rendering: RenderingParams | None = None
    automatic_tax: AutomaticTaxParams | None = Field(default=None, description="Whether Stripe computes the taxes.")
    default_tax_rates: TaxRates | None = Field(default=None, description="Of items that have none of their own.")
    account_tax_ids: Annotated[list[StripeId], Field(max_length=20)] | None = Field(
        default=None, description="Your own tax ids that are printed."
    )
    discounts: Discounts | None = Field(
        default=None, description="A new invoice without it takes the customer's. An empty list: none."
    )
    shipping_cost: ShippingCostParams | None = None
    shipping_details: ShippingParams | None = None
    default_payment_method: StripeId | None = Field(default=None, description="Of the customer.")
    payment_settings: PaymentSettingsParams | None = None
    issuer: PartyParams | None = Field(default=None, description="The account whose name and address are printed.")
    on_behalf_of: StripeId | None = Field(default=None, description="The account that the payment is for.")
    transfer_data: TransferDataParams | None = None
    application_fee_amount: UnitAmount | None = None
    reminders: Annotated[Literal["mail", "event", "off"] | None, To("metadata", METADATA)] = Field(
        default=None,
        description="How the payer is reminded on the days of `REMINDERS`: `mail` (and whatever follows the moment `reminder`), "
        "`event` (the feed alone), or `off`. Kept in Stripe's metadata, so it can change in every status.",
    )

    def params(self) -> dict[str, object]:
        """With what a time to finalize at implies: Stripe takes one only for a draft that advances by itself."""
        said = super().params()
        return {"auto_advance": True, **said} if "automatically_finalizes_at" in said else said


class InvoiceCreate(InvoiceFields, Create):
    absent: ClassVar[tuple[str, ...]] = ("default_tax_rates",)

    demands: ClassVar[JsonObject] = one_of(
        form("days_until_due", collection_method=SEND, days_until_due=INTEGER, due_at=NULL),
        form("due_at", collection_method=SEND, days_until_due=NULL, due_at=TEXT),
        form("collection_method", collection_method=CHARGE, days_until_due=NULL, due_at=NULL),
        form(collection_method=SEND, days_until_due=NULL, due_at=NULL),
    )

    customer: StripeId = Field(examples=["cus_QXg1"])
    collection_method: CollectionMethod = "send_invoice"
    auto_advance: bool = Field(default=False, description="Whether Stripe finalizes and collects by itself.")
    currency: Currency | None = None
    pending_invoice_items_behavior: Literal["exclude", "include"] = Field(
        default="exclude", description="Whether the customer's pending items become items of the draft."
    )
    metadata: Metadata = {}
    reference: OwnReference = None
    items: Annotated[Items, To()] = Field(default=[], examples=[[{"price": "price_1Pgf", "quantity": 2}]])
    finalize: Annotated[bool, To()] = Field(default=False, examples=[True])
    allow_empty: AllowEmpty = False
    fulfillment_policy: Annotated[FulfillmentPolicy | None, To()] = Field(
        default=None, description="Kept as JSON in Stripe's metadata."
    )

    @model_validator(mode="after")
    def _due(self) -> Self:
        dues = [name for name in ("days_until_due", "due_at") if getattr(self, name) is not None]
        if len(dues) > 1:
            raise WrongFields(ONE_DUE, *dues)
        if self.collection_method == "charge_automatically" and dues:
            raise WrongFields("goes with send_invoice only", *dues)
        return self

    def params(self) -> dict[str, object]:
        """With the defaults that differ from Stripe's spelled out."""
        return {"collection_method": self.collection_method, "auto_advance": self.auto_advance} | super().params()


class InvoiceUpdate(InvoiceFields, Update):
    refused: ClassVar[Mapping[str, str]] = {
        **InvoiceFields.refused,
        "currency": "not passed on: the currency of an invoice never changes",
        "customer": "not passed on: the customer of an invoice never changes",
        "pending_invoice_items_behavior": "not passed on: add pending items by their ids, as invoice_item",
    }
    demands: ClassVar[JsonObject] = Update.demands | any_of(
        form(days_until_due=ABSENT, due_at=TEXT), form(due_at=ABSENT)
    )
    never_null: ClassVar[tuple[str, ...]] = (
        "collection_method", "days_until_due", "due_at", "auto_advance", "automatically_finalizes_at", "rendering",
        "automatic_tax", "payment_settings", "issuer", "application_fee_amount",
    )  # fmt: skip

    description: Text | None = Field(default=None, max_length=1500, examples=["Consulting in May"])
    metadata: MetadataUpdate = {}

    @model_validator(mode="after")
    def _one_due(self) -> Self:
        if {"days_until_due", "due_at"} <= self.model_fields_set:
            raise WrongFields(ONE_DUE, "days_until_due", "due_at")
        return self


class InvoiceFinalize(Create):
    refused: ClassVar[Mapping[str, str]] = {"expand": EXPAND}

    auto_advance: bool | None = Field(
        default=None, description="Whether Stripe collects by itself from now on; without it as the draft has it."
    )
    allow_empty: AllowEmpty = False


class InvoicePay(Create):
    demands: ClassVar[JsonObject] = any_of(form(paid_out_of_band={"const": False}), form(payment_method=NULL))
    refused: ClassVar[Mapping[str, str]] = {
        "expand": EXPAND,
        "forgive": "out of scope: what a legacy source cannot pay in full; void the invoice, or write it off",
        "source": SOURCES,
    }

    payment_method: StripeId | None = Field(default=None, examples=["pm_card_visa"])
    paid_out_of_band: bool = False
    off_session: bool | None = Field(
        default=None, description="Whether the payer is away, and cannot authenticate; `true` without it."
    )
    mandate: StripeId | None = Field(default=None, examples=["mandate_1Pgf"])

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.paid_out_of_band and self.payment_method:
            raise WrongFields(
                "payment_method and paid_out_of_band exclude each other", "payment_method", "paid_out_of_band"
            )
        return self


class InvoiceRevise(Create):
    description: Text | None = Field(default=None, max_length=1500)
    footer: Text | None = Field(default=None, max_length=5000)
    metadata: Metadata | None = Field(default=None, description="Added to the metadata of the revised invoice.")
    reference: OwnReference = Field(default=None, description="The revised invoice keeps its own reference.")


class InvoiceCopy(Create):
    customer: StripeId | None = Field(default=None, description="Another customer than that of the copied invoice.")
    days_until_due: Annotated[int, Field(ge=0, le=1825)] | None = Field(
        default=None, description="Without it, as many days as the copied invoice has from its creation."
    )
    description: Text | None = Field(default=None, max_length=1500)
    metadata: Metadata | None = Field(default=None, description="Added to the metadata of the copied invoice.")
    reference: Reference | None = None
    finalize: bool = Field(default=False, examples=[False])
