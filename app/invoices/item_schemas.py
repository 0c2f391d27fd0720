"""The items of invoices, as requests give them."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from app.domain.json import JsonObject
from app.domain.money import LONGER, MAX_AMOUNT, problem_with_amount
from app.http.schema_rules import ABSENT, INTEGER, NULL, OBJECT, TEXT, WrongFields, any_of, form, one_of
from app.http.schemas import (
    Amount,
    Create,
    Currency,
    Metadata,
    MetadataUpdate,
    Quantity,
    Request,
    StripeId,
    Text,
    UnitPriced,
    Update,
)


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

Items = Annotated[list[ItemCreate], Field(max_length=250)]


class ItemsCreate(Create):
    """One item, or a list of them under `items`."""

    items: Annotated[list[ItemCreate], Field(min_length=1, max_length=250)]
