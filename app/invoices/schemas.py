"""Invoices and their items. `From` says where a field stands in Stripe's object, and the marks what is done with it."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from app.customers.schemas import AddressRead
from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus, Settlement
from app.domain.json import JsonObject
from app.domain.money import LONGER, MAX_AMOUNT, problem_with_amount
from app.domain.sources import (
    REFERENCE,
    Feed,
    From,
    Identity,
    Joined,
    Ours,
    Passing,
    Personal,
    emptied,
    id_of,
    listed,
    not_negative,
    time,
    without_reference,
)
from app.http.schema_rules import ABSENT, INTEGER, NULL, OBJECT, TEXT, WrongFields, any_of, form, one_of
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
    StatementDescriptor,
    StripeId,
    Text,
    Time,
    UnitPriced,
    Update,
)
from app.invoices.particulars import (
    DiscountRead,
    FinalizationError,
    TaxIdRead,
    TaxRead,
    discount_amounts,
    finalization_error,
    frozen_tax_ids,
    in_full,
    item_id,
    paid_out_of_band,
    settlement,
    tax_amounts,
)
from app.invoices.policy_schemas import FulfillmentPolicy

CollectionMethod = Literal["send_invoice", "charge_automatically"]
Status = Literal["draft", "open", "paid", "void", "uncollectible"]


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
    ) | any_of(
        form(amount={"minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT}),
        form(currency={"enum": list(LONGER)}),
    )

    price: StripeId | None = Field(default=None, examples=["price_1Pgf"])
    quantity: Quantity | None = Field(default=None, examples=[2])
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            raise WrongFields("exactly one of price, price_data and amount must be given", *(given or FORMS))
        if self.amount is not None:
            if self.currency is None:
                raise WrongFields("must be given with amount", "currency")
            if self.quantity is not None:
                raise WrongFields("goes with price or price_data; an amount is the item's total", "quantity")
            if problem := problem_with_amount(self.amount, self.currency):
                raise WrongFields(problem, "amount")
        elif self.currency is not None:
            raise WrongFields("goes with amount; a price has its own", "currency")
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
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) > 1:
            raise WrongFields("only one of price, price_data and amount may be given", *given)
        nulls = [name for name in ITEM_NEEDS if name in self.model_fields_set and getattr(self, name) is None]
        if nulls:
            raise WrongFields(NOT_NULL, *nulls)
        return self


FORMS = ("price", "price_data", "amount")
ITEM_NEEDS = (*FORMS, "currency", "quantity")
NOT_NULL = "must not be null: leave out what stays as it is"
ONE_DUE = "only one of days_until_due and due_at may be given"

Items = Annotated[list[ItemCreate], Field(max_length=250)]


class ItemsCreate(Create):
    """One item, or a list of them under `items`."""

    items: Annotated[list[ItemCreate], Field(min_length=1, max_length=250)]


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


class ItemRead(Shown):
    id: Annotated[str, From(item_id)] = Field(examples=["ii_1Pgf"])
    line_item: Annotated[str, From("id")] = Field(examples=["il_1Pgf"])
    price: Annotated[str | None, From("pricing?", "price_details?", "price", id_of)]
    product: Annotated[str | None, From("pricing?", "price_details?", "product", id_of)]
    quantity: Annotated[int | None, From("quantity")] = Field(
        description="Whole units; Stripe cuts off what `quantity_decimal` says in full."
    )
    quantity_decimal: Annotated[str | None, From("quantity_decimal", in_full, since=2)]
    unit_amount_decimal: Annotated[str | None, From("pricing?", "unit_amount_decimal")]
    amount: Annotated[int, From("amount")]
    currency: Annotated[str, From("currency")]
    description: Annotated[str | None, From("description")]
    metadata: Annotated[dict[str, str], From("metadata", emptied)]


class InvoiceFulfillment(Shown):
    status: FulfillmentStatus
    fulfilled_at: datetime | None


class InvoiceListed(Shown):
    """An invoice as lists show it: without its items."""

    id: Annotated[str, From("id"), Identity, Feed] = Field(examples=["in_1PgF"])
    number: Annotated[str | None, From("number"), Feed]
    status: Annotated[InvoiceStatus, From("status"), Feed]
    customer: Annotated[str | None, From("customer", id_of), Feed]
    reference: Annotated[str | None, From("metadata?", REFERENCE), Feed]
    collection_method: Annotated[CollectionMethod, From("collection_method"), Feed]
    auto_advance: Annotated[bool, From("auto_advance", bool)]
    currency: Annotated[str, From("currency"), Feed]
    subtotal: Annotated[int, From("subtotal"), Feed]
    total: Annotated[int, From("total"), Feed]
    amount_due: Annotated[int, From("amount_due"), Feed]
    amount_paid: Annotated[int, From("amount_paid"), Feed]
    amount_remaining: Annotated[int, From("amount_remaining", not_negative), Feed]
    settled_by: Annotated[Settlement | None, From(settlement, since=2), Feed] = Field(
        description="What made it `paid`; null while it is not."
    )
    pre_payment_credit_notes_amount: Annotated[int | None, From("pre_payment_credit_notes_amount", since=3), Feed] = (
        Field(description="What credit notes took off before it was paid.")
    )
    post_payment_credit_notes_amount: Annotated[int | None, From("post_payment_credit_notes_amount", since=3), Feed] = (
        Field(description="What credit notes gave back after it was paid.")
    )
    amount_shipping: Annotated[int | None, From("amount_shipping", since=2), Feed]
    receipt_number: Annotated[str | None, From("receipt_number", since=3), Feed]
    statement_descriptor: Annotated[str | None, From("statement_descriptor", since=3), Feed]
    discounts: Annotated[list[DiscountRead], From("total_discount_amounts", discount_amounts, since=2), Feed] = Field(
        description="What each discount takes off; `total` is the items less these, plus shipping and taxes that are not inclusive."
    )
    taxes: Annotated[list[TaxRead], From(tax_amounts, since=2), Feed]
    last_finalization_error: Annotated[
        FinalizationError | None, From("last_finalization_error", finalization_error, since=2), Feed
    ] = Field(description="Why Stripe last refused to finalize this draft.")
    customer_name: Annotated[str | None, From("customer_name", since=2), Personal] = Field(
        description="As Stripe froze it when it finalized the invoice, as are the other `customer_` fields."
    )
    customer_email: Annotated[str | None, From("customer_email", since=2), Personal]
    customer_address: Annotated[AddressRead | None, From("customer_address", since=2), Personal]
    customer_tax_ids: Annotated[list[TaxIdRead], From("customer_tax_ids", frozen_tax_ids, since=2), Personal]
    due_at: Annotated[datetime | None, From("due_date", time), Feed]
    description: Annotated[str | None, From("description")]
    footer: Annotated[str | None, From("footer")]
    custom_fields: Annotated[list[CustomFieldRead], From("custom_fields", listed)]
    metadata: Annotated[dict[str, str], From("metadata", without_reference), Feed]
    payment_intent: Annotated[str | None, Ours, Feed]
    hosted_invoice_url: Annotated[str | None, From("hosted_invoice_url"), Passing] = Field(
        description="As Stripe gave it last. It expires, as `invoice_pdf` does: `…/hosted-pages` answers one that holds."
    )
    invoice_pdf: Annotated[str | None, From("invoice_pdf"), Passing]
    fulfillment: Annotated[InvoiceFulfillment | None, Joined]
    livemode: Annotated[bool, From("livemode"), Identity, Feed]
    created_at: Annotated[datetime, From("created", time), Identity, Feed]
    finalized_at: Annotated[datetime | None, From("status_transitions", "finalized_at", time), Feed]
    paid_at: Annotated[datetime | None, From("status_transitions", "paid_at", time), Feed]
    voided_at: Annotated[datetime | None, From("status_transitions", "voided_at", time), Feed]
    marked_uncollectible_at: Annotated[
        datetime | None, From("status_transitions", "marked_uncollectible_at", time), Feed
    ]
    updated_at: Annotated[datetime, Ours, Feed]


class InvoiceRead(InvoiceListed):
    items: Annotated[list[ItemRead], Joined]


class InvoiceDocument(InvoiceRead):
    """What is kept of an invoice: what is shown, and what only the feed, the payment page and fulfillments need."""

    paid_out_of_band: Annotated[bool, From(paid_out_of_band), Feed]
    account_name: Annotated[str | None, From("account_name"), Passing]


class InvoiceWithSecret(InvoiceRead):
    """An invoice with the secret by which a front end confirms its payment; null where there is nothing to pay."""

    client_secret: str | None = Field(default=None, examples=["pi_3Pgf_secret_kz"])


class ClientSecret(Shown):
    client_secret: str = Field(examples=["pi_3Pgf_secret_kz"])
    publishable_key: str
    payment_intent: str | None
