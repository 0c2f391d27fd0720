"""The PaymentIntent of a finalized invoice: what may be changed of it, and what is shown."""

from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.customers.schemas import AddressRead
from app.domain.json import JsonObject
from app.http.schema_rules import ABSENT, WrongFields, any_of, form
from app.http.schemas import SURPLUS, Email, MetadataUpdate, Request, Shown, StripeId, Text, Update
from app.http.stripe_schemas import AddressParams, ShippingParams

Usage = Literal["off_session", "on_session"]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,50}$")]
Plain = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")] | bool | int
Options = dict[
    Word, Annotated[dict[Word, Plain | Annotated[dict[Word, Plain], Field(max_length=20)]], Field(max_length=20)]
]

FROZEN = (
    "Stripe lets nobody change this of an invoice's PaymentIntent: the invoice decides it. Change the draft, or credit or "
    "void the invoice."
)
NO_NUMBERS = "Numbers of cards and bank accounts never come here: Stripe.js takes them, and gives you a payment_method."


class BillingDetailsParams(Request):
    name: Text | None = Field(default=None, max_length=256)
    email: Email | None = Field(default=None, max_length=512)
    phone: Text | None = Field(default=None, max_length=20)
    address: AddressParams | None = None


def _refuse(said: Any, known: Any, why: str) -> Any:
    others = [*islice((name for name in said if name not in known), SURPLUS)] if isinstance(said, dict) else []
    if others:
        raise WrongFields(why, *others)
    return said


class PaymentMethodDataParams(Request):
    type: Word = Field(examples=["customer_balance"])
    billing_details: BillingDetailsParams | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_numbers(cls, said: Any) -> Any:
        return _refuse(said, cls.model_fields, NO_NUMBERS)


class InvoicePaymentIntentUpdate(Update):
    """What Stripe lets be changed. Anything else is refused by its name."""

    demands: ClassVar[JsonObject] = Update.demands | any_of(
        form(payment_method=ABSENT), form(payment_method_data=ABSENT)
    )

    setup_future_usage: Usage | None = Field(
        default=None, description="Saves what the invoice is paid with, to charge the customer later; null: not."
    )
    payment_method: StripeId | None = Field(default=None, examples=["pm_1Pgf"])
    payment_method_data: PaymentMethodDataParams | None = None
    payment_method_options: Annotated[Options, Field(max_length=20)] | None = Field(
        default=None, examples=[{"card": {"request_three_d_secure": "any"}}]
    )
    description: Text | None = Field(default=None, max_length=1000)
    receipt_email: Email | None = Field(default=None, max_length=512)
    shipping: ShippingParams | None = None
    metadata: MetadataUpdate = {}

    @model_validator(mode="before")
    @classmethod
    def _only_these(cls, said: Any) -> Any:
        return _refuse(said, cls.model_fields, FROZEN)

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if {"payment_method", "payment_method_data"} <= self.model_fields_set:
            raise WrongFields("only one of the two may be given", "payment_method", "payment_method_data")
        return self


class PaymentShippingRead(Shown):
    name: str | None
    address: AddressRead | None
    phone: str | None
    carrier: str | None
    tracking_number: str | None


class InvoicePaymentIntentRead(Shown):
    """The PaymentIntent of an invoice, as Stripe answered it. It is not kept here."""

    id: str = Field(examples=["pi_3Pgf"])
    invoice: str
    status: str = Field(examples=["requires_payment_method"])
    amount: int
    currency: str
    payment_method: str | None
    payment_method_types: list[str] = Field(examples=[["card"]])
    setup_future_usage: str | None
    description: str | None
    receipt_email: str | None
    shipping: PaymentShippingRead | None
    metadata: dict[str, str]
