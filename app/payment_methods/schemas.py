"""Saved payment methods: what a person needs to recognise one. `From` says where Stripe's object has a field."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.domain.json import JsonView
from app.domain.sources import From, Identity, Joined, Ours, Personal, id_of, time
from app.domain.targets import To
from app.http.schemas import Create, Shown, StripeId

MethodType = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,50}$", examples=["card"])]


class PaymentMethodAttach(Create):
    payment_method: StripeId = Field(
        description="Made by Stripe.js, or by a SetupIntent that names no customer.", examples=["pm_1Pgf"]
    )
    set_default: bool = Field(
        default=False, description="Whether the customer's invoices are charged to it from now on."
    )


Types = Annotated[list[MethodType], Field(min_length=1, max_length=20)]


class SetupIntentCreate(Create):
    usage: Literal["off_session", "on_session"] = Field(
        default="off_session", description="`off_session`: it will be charged while its owner is away."
    )
    payment_method_types: Annotated[Types | None, To("allowed_payment_method_types")] = Field(
        default=None, description="Those that may be saved; absent: what the account's settings offer."
    )


def detail(name: str) -> Callable[[JsonView], Any]:
    """A function that reads `name` of what a payment method says about its own type; null where it says nothing."""

    def found(method: JsonView) -> Any:
        return (method.get(method["type"]) or {}).get(name)

    return found


class PaymentMethodRead(Shown):
    id: Annotated[str, From("id"), Identity] = Field(examples=["pm_1Pgf"])
    customer: Annotated[str, From("customer", id_of)] = Field(examples=["cus_QXg1"])
    type: Annotated[str, From("type")] = Field(examples=["card"])
    brand: Annotated[str | None, From(detail("brand")), Personal] = Field(examples=["visa"])
    last4: Annotated[str | None, From(detail("last4")), Personal] = Field(examples=["4242"])
    exp_month: Annotated[int | None, From(detail("exp_month")), Personal] = Field(examples=[12])
    exp_year: Annotated[int | None, From(detail("exp_year")), Personal] = Field(examples=[2030])
    mandate_status: Annotated[Literal["pending", "active", "inactive"] | None, Ours] = Field(
        description="Of a debit's mandate: an `inactive` one was revoked, and cannot be charged. Null: none is known."
    )
    is_default: Annotated[bool, Joined] = Field(description="Whether the customer's invoices are charged to it.")
    livemode: Annotated[bool, From("livemode"), Identity]
    created_at: Annotated[datetime, From("created", time), Identity]
    updated_at: Annotated[datetime, Ours]


class SetupIntentRead(Shown):
    """Saves a payment method. Shown as Stripe last reported it."""

    id: str = Field(examples=["seti_1Pgf"])
    customer: str
    status: str = Field(examples=["requires_payment_method"])
    payment_method: str | None = Field(description="The one that was saved, once it `succeeded`.")
    failure_code: str | None = Field(description="Why the last try failed.", examples=["card_declined"])
    failure_decline_code: str | None
    created_at: datetime
    updated_at: datetime


class SetupIntentWithSecret(SetupIntentRead):
    """With the secret by which a front end confirms it; it is stored nowhere."""

    client_secret: str | None = Field(default=None, examples=["seti_1Pgf_secret_kz"])
    publishable_key: str
