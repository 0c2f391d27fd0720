"""Invoices and their items."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.domain.money import problem_with_amount
from app.http.parameters import IdWanted, ReferenceWanted, TimeWanted
from app.http.queries import Paging
from app.http.schema_rules import ABSENT, INTEGER, NULL, OBJECT, TEXT, any_of, form, one_of
from app.http.schemas import (
    Amount,
    Create,
    Currency,
    CustomFieldRead,
    CustomFields,
    Metadata,
    MetadataUpdate,
    Quantity,
    Reference,
    Request,
    Shown,
    StripeId,
    Text,
    Time,
    UnitPriced,
    Update,
)

CollectionMethod = Literal["send_invoice", "charge_automatically"]
Status = Literal["draft", "open", "paid", "void", "uncollectible"]
LONGEST_DUE = timedelta(days=5 * 366)


class PriceData(UnitPriced):
    """A price made for this item alone."""

    product: StripeId


class ItemFields(Request):
    price: StripeId | None = None
    price_data: PriceData | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    quantity: Quantity | None = None
    description: Text | None = Field(default=None, max_length=500)


class ItemCreate(ItemFields, Create):
    """One of `{price, quantity}`, `{amount, currency, description}` and `{price_data, quantity}`."""

    demands: ClassVar[JsonObject] = one_of(
        form("price", price=TEXT, price_data=NULL, amount=NULL, currency=NULL),
        form("price_data", price_data=OBJECT, price=NULL, amount=NULL, currency=NULL),
        form("amount", "currency", amount=INTEGER, currency=TEXT, price=NULL, price_data=NULL, quantity=NULL),
    )

    price: StripeId | None = Field(default=None, examples=["price_1Pgf"])
    quantity: Quantity | None = Field(default=None, examples=[2])
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in ("price", "price_data", "amount") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("exactly one of price, price_data and amount must be given")
        if self.amount is not None:
            if self.currency is None:
                raise ValueError("currency must be given with amount")
            if self.quantity is not None:
                raise ValueError("quantity goes with price or price_data; an amount is the item's total")
            if problem := problem_with_amount(self.amount, self.currency):
                raise ValueError(f"amount {problem}")
        elif self.currency is not None:
            raise ValueError("currency goes with amount; a price has its own")
        return self


class ItemUpdate(ItemFields, Update):
    demands: ClassVar[JsonObject] = Update.demands | any_of(
        form(price=TEXT, price_data=ABSENT, amount=ABSENT, currency=TEXT, quantity=INTEGER),
        form(price=ABSENT, price_data=OBJECT, amount=ABSENT, currency=TEXT, quantity=INTEGER),
        form(price=ABSENT, price_data=ABSENT, amount=INTEGER, currency=TEXT, quantity=INTEGER),
    )

    quantity: Quantity | None = Field(default=None, examples=[3])
    metadata: MetadataUpdate = {}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in ("price", "price_data", "amount") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError("only one of price, price_data and amount may be given")
        nulls = [name for name in ITEM_NEEDS if name in self.model_fields_set and getattr(self, name) is None]
        if nulls:
            raise ValueError(f"{nulls[0]} must not be null: leave out what stays as it is")
        return self


ITEM_NEEDS = ("price", "price_data", "amount", "currency", "quantity")

Items = Annotated[list[ItemCreate], Field(max_length=250)]


class ItemsCreate(Create):
    """One item, or a list of them under `items`."""

    items: Annotated[list[ItemCreate], Field(min_length=1, max_length=250)]


def _in_time(due_at: datetime) -> datetime:
    if not datetime.now(UTC) < due_at < datetime.now(UTC) + LONGEST_DUE:
        raise ValueError("must be in the future, and within five years")
    return due_at


DueTime = Annotated[Time, AfterValidator(_in_time)]


SEND: JsonObject = {"const": "send_invoice"}
CHARGE: JsonObject = {"const": "charge_automatically"}


class InvoiceCreate(Create):
    demands: ClassVar[JsonObject] = one_of(
        form("days_until_due", collection_method=SEND, days_until_due=INTEGER, due_at=NULL),
        form("due_at", collection_method=SEND, days_until_due=NULL, due_at=TEXT),
        form("collection_method", collection_method=CHARGE, days_until_due=NULL, due_at=NULL),
    )

    customer: StripeId = Field(examples=["cus_QXg1"])
    collection_method: CollectionMethod = "send_invoice"
    days_until_due: Annotated[int, Field(ge=0, le=1825)] | None = Field(default=None, examples=[30])
    due_at: DueTime | None = None
    auto_advance: bool = Field(default=False, description="Whether Stripe finalizes and collects by itself.")
    currency: Currency | None = None
    description: Text | None = Field(default=None, max_length=1500)
    footer: Text | None = Field(default=None, max_length=5000)
    custom_fields: CustomFields | None = Field(default=None, description="Replaces what the customer would hand down.")
    metadata: Metadata = {}
    reference: Reference | None = None
    items: Items = Field(default=[], examples=[[{"price": "price_1Pgf", "quantity": 2}]])
    finalize: bool = Field(default=False, examples=[True])

    @model_validator(mode="after")
    def _due(self) -> Self:
        dues = [name for name in ("days_until_due", "due_at") if getattr(self, name) is not None]
        if self.collection_method == "send_invoice" and len(dues) != 1:
            raise ValueError("with send_invoice exactly one of days_until_due and due_at must be given")
        if self.collection_method == "charge_automatically" and dues:
            raise ValueError(f"{dues[0]} goes with send_invoice only")
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
    due_at: DueTime | None = None
    auto_advance: bool = False
    description: Text | None = Field(default=None, max_length=1500, examples=["Consulting in May"])
    footer: Text | None = Field(default=None, max_length=5000)
    custom_fields: CustomFields | None = None
    metadata: MetadataUpdate = {}

    @model_validator(mode="after")
    def _one_due(self) -> Self:
        if {"days_until_due", "due_at"} <= self.model_fields_set:
            raise ValueError("only one of days_until_due and due_at may be given")
        if "due_at" in self.model_fields_set and self.due_at is None:
            raise ValueError("due_at must not be null: leave out what stays as it is")
        return self


class InvoicePay(Create):
    demands: ClassVar[JsonObject] = any_of(form(paid_out_of_band={"const": False}), form(payment_method=NULL))

    payment_method: StripeId | None = Field(default=None, examples=["pm_card_visa"])
    paid_out_of_band: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.paid_out_of_band and self.payment_method:
            raise ValueError("paid_out_of_band and payment_method exclude each other")
        return self


class ItemRead(Shown):
    id: str = Field(examples=["ii_1Pgf"])
    line_item: str = Field(examples=["il_1Pgf"])
    price: str | None
    product: str | None
    quantity: int | None
    unit_amount_decimal: str | None
    amount: int
    currency: str
    description: str | None
    metadata: dict[str, str]


class InvoiceFulfillment(Shown):
    status: FulfillmentStatus
    fulfilled_at: datetime | None


class InvoiceListed(Shown):
    """An invoice as lists show it: without its items."""

    id: str = Field(examples=["in_1PgF"])
    number: str | None
    status: InvoiceStatus
    customer: str | None
    reference: str | None
    collection_method: CollectionMethod
    auto_advance: bool
    currency: str
    subtotal: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    due_at: datetime | None
    description: str | None
    footer: str | None
    custom_fields: list[CustomFieldRead]
    metadata: dict[str, str]
    payment_intent: str | None
    hosted_invoice_url: str | None
    invoice_pdf: str | None
    fulfillment: InvoiceFulfillment | None
    livemode: bool
    created_at: datetime
    finalized_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    marked_uncollectible_at: datetime | None
    updated_at: datetime


class InvoiceRead(InvoiceListed):
    items: list[ItemRead]


class InvoiceWithSecret(InvoiceRead):
    """An invoice with the secret by which a front end confirms its payment; null where there is nothing to pay."""

    client_secret: str | None = Field(default=None, examples=["pi_3Pgf_secret_kz"])


class ClientSecret(Shown):
    client_secret: str = Field(examples=["pi_3Pgf_secret_kz"])
    publishable_key: str
    payment_intent: str | None


class InvoicesWanted(Paging):
    """Which invoices are listed."""

    customer: IdWanted = None
    status: Status | None = None
    reference: ReferenceWanted = None
    created_from: TimeWanted = None
    created_to: TimeWanted = None
    due_before: TimeWanted = None
    overdue: Annotated[bool | None, Field(description="Open and past their due date, or not.")] = None
