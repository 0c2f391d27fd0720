"""The items of invoices, as requests give them."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.domain.json import JsonObject
from app.domain.money import LONGER, MAX_AMOUNT, problem_with_amount, problem_with_size
from app.domain.targets import To
from app.http.schema_rules import ABSENT, INTEGER, NULL, OBJECT, TEXT, WrongFields, any_of, form
from app.http.schemas import (
    ACCOUNTS,
    EXPAND,
    SUBSCRIPTIONS,
    Amount,
    Create,
    Currency,
    Metadata,
    MetadataUpdate,
    Quantity,
    Request,
    StripeId,
    Text,
    Time,
    UnitAmountDecimal,
    Update,
)
from app.http.stripe_schemas import (
    Discounts,
    OfOneProduct,
    ProductDataParams,
    QuantityDecimal,
    TaxBehavior,
    TaxRates,
    Url,
)

FORMS = ("price", "price_data", "amount", "unit_amount_decimal", "invoice_item")
QUANTITIES = ("quantity", "quantity_decimal")
OF_OWN_PRODUCT = ("tax_behavior", "tax_code")
"""What a price of an amount's own says of its product."""
UNTAXED: JsonObject = dict.fromkeys(OF_OWN_PRODUCT, NULL)
UNCOUNTED: JsonObject = dict.fromkeys(QUANTITIES, NULL)
WITHIN_LIMITS = any_of(
    form(
        amount={"minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT},
        unit_amount_decimal={"pattern": r"^[0-9]{1,8}(\.[0-9]{1,12})?$"},
    ),
    form(currency={"enum": list(LONGER)}),
)


def _only(given: str) -> JsonObject:
    return {name: NULL for name in FORMS if name != given}


class ItemProductParams(ProductDataParams):
    """A product made for this item alone."""

    absent: ClassVar[tuple[str, ...]] = ("images",)

    description: Text | None = Field(default=None, max_length=5000)
    images: Annotated[list[Url], Field(max_length=8)] | None = None


class PriceDataParams(OfOneProduct):
    """A price made for this item alone, of a product or of one that is made with it."""

    product_data: ItemProductParams | None = None


class PeriodParams(Request):
    """When what is billed was, or will be, rendered: from `start` to `end`."""

    start: Time
    end: Time


class TaxRateDataParams(Create):
    """A tax rate made for this tax alone."""

    display_name: Text = Field(min_length=1, max_length=50, examples=["VAT"])
    inclusive: bool
    percentage: Annotated[float, Field(ge=0, le=100, examples=[19.0])]
    description: Text | None = Field(default=None, max_length=500)
    jurisdiction: Text | None = Field(default=None, max_length=50, examples=["DE"])
    jurisdiction_level: Literal["city", "country", "county", "district", "multiple", "state"] | None = None
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    state: Text | None = Field(default=None, max_length=50)
    tax_type: Annotated[str, StringConstraints(pattern="^[a-z_]{2,40}$")] | None = Field(default=None, examples=["vat"])


class TaxAmountParams(Create):
    """A tax that an engine of the caller's computed."""

    amount: Amount
    taxable_amount: Amount
    tax_rate_data: TaxRateDataParams
    taxability_reason: Annotated[str, StringConstraints(pattern="^[a-z_]{2,40}$")] | None = Field(
        default=None, examples=["standard_rated"]
    )


class ItemFields(Request):
    refused: ClassVar[Mapping[str, str]] = {
        "customer": "not passed on: an item has the customer of its invoice",
        "customer_account": ACCOUNTS,
        "expand": EXPAND,
        "invoice": "not passed on: the address names the invoice",
        "invoice_metadata": "not passed on: change the metadata of the invoice",
        "invoicing_rules": "out of scope: when pending items are invoiced",
        "pricing": "not passed on: give price",
        "subscription": SUBSCRIPTIONS,
    }

    price: Annotated[StripeId | None, To("pricing", "price")] = None
    price_data: PriceDataParams | None = None
    amount: Amount | None = None
    unit_amount_decimal: Annotated[UnitAmountDecimal | None, To("price_data", "unit_amount_decimal")] = Field(
        default=None, description="What one unit of `quantity` costs, without a product. `description` says what it is."
    )
    currency: Annotated[Currency | None, To()] = None
    quantity: Quantity | None = None
    quantity_decimal: QuantityDecimal | None = None
    description: Text | None = Field(default=None, max_length=500)
    period: PeriodParams | None = None
    discountable: bool | None = Field(default=None, description="Whether discounts apply to it.")
    discounts: Discounts | None = None
    tax_behavior: Annotated[TaxBehavior | None, To("price_data", "tax_behavior")] = None
    tax_code: Annotated[StripeId | None, To("price_data", "product_data", "tax_code")] = None
    tax_rates: TaxRates | None = Field(default=None, description="Instead of the invoice's `default_tax_rates`.")
    tax_amounts: Annotated[list[TaxAmountParams], Field(max_length=20)] | None = Field(
        default=None, description="Instead of taxes that Stripe computes."
    )

    def require_one_quantity(self) -> None:
        """Raise WrongFields unless at most one of the quantities is given, and the tax's nature only where it counts."""
        if self.quantity is not None and self.quantity_decimal is not None:
            raise WrongFields("only one of quantity and quantity_decimal may be given", "quantity", "quantity_decimal")
        taxed = [name for name in OF_OWN_PRODUCT if getattr(self, name) is not None]
        if taxed and not any(getattr(self, name) is not None for name in ("amount", "unit_amount_decimal")):
            raise WrongFields("goes with amount or unit_amount_decimal; a price has its own", *taxed)
        if (taxed or self.unit_amount_decimal is not None) and self.description is None:
            raise WrongFields("must be given: it is what the product is called", "description")
        if taxed and (self.amount or 0) < 0:
            raise WrongFields("must not be below zero with " + taxed[0], "amount")


class ItemCreate(ItemFields, Create):
    """One of `{price, quantity}`, `{price_data, quantity}`, `{amount, currency}`, `{unit_amount_decimal, currency}`, `{invoice_item}`."""

    demands: ClassVar[JsonObject] = any_of(
        form("price", **_only("price"), price=TEXT, currency=NULL, **UNTAXED),
        form("price_data", **_only("price_data"), price_data=OBJECT, currency=NULL, **UNTAXED),
        form("amount", "currency", **_only("amount"), amount=INTEGER, currency=TEXT, **UNCOUNTED, **UNTAXED),
        form(
            "amount", "currency", "description", **_only("amount"), amount={"type": "integer", "minimum": 0},
            currency=TEXT, description=TEXT, **UNCOUNTED,
        ),
        form(
            "unit_amount_decimal", "currency", "description", **_only("unit_amount_decimal"), unit_amount_decimal=TEXT,
            currency=TEXT, description=TEXT,
        ),
        form("invoice_item", **_only("invoice_item"), invoice_item=TEXT, currency=NULL, **UNTAXED),
    ) | {"allOf": [any_of(form(quantity=NULL), form(quantity_decimal=NULL)), WITHIN_LIMITS]}  # fmt: skip

    price: Annotated[StripeId | None, To("pricing", "price")] = Field(default=None, examples=["price_1Pgf"])
    quantity: Quantity | None = Field(default=None, examples=[2])
    invoice_item: StripeId | None = Field(default=None, description="An item of the customer's that is on no invoice.")
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            raise WrongFields(f"exactly one of {', '.join(FORMS)} must be given", *(given or FORMS))
        self.require_one_quantity()
        own = self.amount if self.amount is not None else self.unit_amount_decimal
        if own is None:
            if self.currency is not None:
                raise WrongFields("goes with amount; a price has its own", "currency")
            return self
        if self.currency is None:
            raise WrongFields(f"must be given with {given[0]}", "currency")
        quantities = [name for name in QUANTITIES if getattr(self, name) is not None]
        if self.amount is not None and quantities:
            raise WrongFields("goes with a price; an amount is the item's total", *quantities)
        problem = (
            problem_with_amount(own, self.currency)
            if isinstance(own, int)
            else problem_with_size(int(own.partition(".")[0]), self.currency)
        )
        if problem:
            raise WrongFields(problem, given[0])
        return self


class ItemUpdate(ItemFields, Update):
    refused: ClassVar[Mapping[str, str]] = {
        **ItemFields.refused,
        "invoice_item": "not passed on: a pending item is adopted when it is added",
    }
    never_null: ClassVar[tuple[str, ...]] = (
        "price", "price_data", "amount", "unit_amount_decimal", "currency", "quantity", "quantity_decimal", "period",
        "discountable", "tax_behavior", "tax_code",
    )  # fmt: skip
    demands: ClassVar[JsonObject] = Update.demands | any_of(
        form(price=ABSENT, price_data=ABSENT, unit_amount_decimal=ABSENT, tax_behavior=ABSENT, tax_code=ABSENT),
        form(amount=ABSENT, price_data=ABSENT, unit_amount_decimal=ABSENT, tax_behavior=ABSENT, tax_code=ABSENT),
        form(price=ABSENT, amount=ABSENT, unit_amount_decimal=ABSENT, tax_behavior=ABSENT, tax_code=ABSENT),
        form(
            "unit_amount_decimal", "description", price=ABSENT, price_data=ABSENT, amount=ABSENT, description=TEXT
        ),
        form(
            "amount", "description", amount={"minimum": 0}, description=TEXT, price=ABSENT, price_data=ABSENT,
            unit_amount_decimal=ABSENT,
        ),
    ) | {"allOf": [any_of(form(quantity=ABSENT), form(quantity_decimal=ABSENT))]}  # fmt: skip

    quantity: Quantity | None = Field(default=None, examples=[3])
    metadata: MetadataUpdate = {}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in FORMS[:-1] if getattr(self, name) is not None]
        if len(given) > 1:
            raise WrongFields(f"only one of {', '.join(FORMS[:-1])} may be given", *given)
        self.require_one_quantity()
        return self


Items = Annotated[list[ItemCreate], Field(max_length=250)]


class ItemsCreate(Create):
    """One item, or a list of them under `items`."""

    refused: ClassVar[Mapping[str, str]] = {name: ItemFields.refused[name] for name in ("expand", "invoice_metadata")}

    items: Annotated[list[ItemCreate], Field(min_length=1, max_length=250), To("lines")]


class ItemsReplace(Create):
    """All items that the draft has afterwards; an empty list: none."""

    items: Annotated[list[ItemCreate], Field(max_length=250)]
