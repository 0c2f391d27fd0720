"""What requests give of an invoice."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from app.domain.json import JsonObject
from app.http.schema_rules import ABSENT, INTEGER, NULL, TEXT, WrongFields, any_of, form, one_of
from app.http.schemas import (
    Create,
    Currency,
    CustomFields,
    Metadata,
    MetadataUpdate,
    Reference,
    StatementDescriptor,
    StripeId,
    Text,
    Time,
    Update,
)
from app.invoices.item_schemas import NOT_NULL, Items
from app.invoices.policy_schemas import FulfillmentPolicy
from app.invoices.read_schemas import CollectionMethod

ONE_DUE = "only one of days_until_due and due_at may be given"

AllowEmpty = Annotated[
    bool, Field(description="Whether an invoice without items may be finalized: it is `paid` and `fulfilled` at once.")
]

SEND: JsonObject = {"const": "send_invoice"}
CHARGE: JsonObject = {"const": "charge_automatically"}


class InvoiceCreate(Create):
    demands: ClassVar[JsonObject] = one_of(
        form("days_until_due", collection_method=SEND, days_until_due=INTEGER, due_at=NULL),
        form("due_at", collection_method=SEND, days_until_due=NULL, due_at=TEXT),
        form("collection_method", collection_method=CHARGE, days_until_due=NULL, due_at=NULL),
        form(collection_method=SEND, days_until_due=NULL, due_at=NULL),
    )

    customer: StripeId = Field(examples=["cus_QXg1"])
    collection_method: CollectionMethod = "send_invoice"
    days_until_due: Annotated[int, Field(ge=0, le=1825)] | None = Field(
        default=None,
        description="With send_invoice: INVOICE_DAYS_UNTIL_DUE of the deployment where due_at is not given either.",
        examples=[30],
    )
    due_at: Time | None = None
    auto_advance: bool = Field(default=False, description="Whether Stripe finalizes and collects by itself.")
    currency: Currency | None = None
    description: Text | None = Field(default=None, max_length=1500)
    footer: Text | None = Field(default=None, max_length=5000)
    statement_descriptor: StatementDescriptor | None = None
    custom_fields: CustomFields | None = Field(default=None, description="Replaces what the customer would hand down.")
    metadata: Metadata = {}
    reference: Reference | None = None
    items: Items = Field(default=[], examples=[[{"price": "price_1Pgf", "quantity": 2}]])
    finalize: bool = Field(default=False, examples=[True])
    allow_empty: AllowEmpty = False
    fulfillment_policy: FulfillmentPolicy | None = Field(default=None, description="Kept as JSON in Stripe's metadata.")

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
        return super().params() | {"collection_method": self.collection_method, "auto_advance": self.auto_advance}


class InvoiceUpdate(Update):
    demands: ClassVar[JsonObject] = Update.demands | any_of(
        form(days_until_due=ABSENT, due_at=TEXT), form(due_at=ABSENT)
    )

    collection_method: CollectionMethod = "send_invoice"
    days_until_due: Annotated[int, Field(ge=0, le=1825)] = 0
    due_at: Time | None = None
    auto_advance: bool = False
    description: Text | None = Field(default=None, max_length=1500, examples=["Consulting in May"])
    footer: Text | None = Field(default=None, max_length=5000)
    statement_descriptor: StatementDescriptor | None = None
    custom_fields: CustomFields | None = None
    metadata: MetadataUpdate = {}

    @model_validator(mode="after")
    def _one_due(self) -> Self:
        if {"days_until_due", "due_at"} <= self.model_fields_set:
            raise WrongFields(ONE_DUE, "days_until_due", "due_at")
        if "due_at" in self.model_fields_set and self.due_at is None:
            raise WrongFields(NOT_NULL, "due_at")
        return self


class InvoiceFinalize(Create):
    allow_empty: AllowEmpty = False


class InvoicePay(Create):
    demands: ClassVar[JsonObject] = any_of(form(paid_out_of_band={"const": False}), form(payment_method=NULL))

    payment_method: StripeId | None = Field(default=None, examples=["pm_card_visa"])
    paid_out_of_band: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.paid_out_of_band and self.payment_method:
            raise WrongFields(
                "payment_method and paid_out_of_band exclude each other", "payment_method", "paid_out_of_band"
            )
        return self
