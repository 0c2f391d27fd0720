"""Previews of invoices: what they are made of, and how they are shown."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model

from app.customers.schemas import TaxIdParams
from app.domain.json import JsonObject
from app.domain.targets import To
from app.http.schema_rules import OBJECT, TEXT, WrongFields, any_of, form
from app.http.schemas import ACCOUNTS, EXPAND, SUBSCRIPTIONS, Create, Currency, Shown, StripeId
from app.http.stripe_schemas import AddressParams, Discounts, PartyParams, ShippingParams
from app.invoices.item_schemas import Items
from app.invoices.read_schemas import InvoiceRead, ItemRead
from app.invoices.schemas import AutomaticTaxParams


class PreviewCustomer(Create):
    """A customer that does not exist yet, or what is different about the one that is named."""

    refused: ClassVar[Mapping[str, str]] = {
        "tax": "out of scope: previews by an address of the internet; give an address, or the customer"
    }

    address: AddressParams | None = None
    shipping: ShippingParams | None = None
    tax_exempt: Literal["none", "exempt", "reverse"] | None = None
    tax_ids: Annotated[list[TaxIdParams], Field(min_length=1, max_length=5)] | None = None


class InvoicePreview(Create):
    refused: ClassVar[Mapping[str, str]] = {
        "customer_account": ACCOUNTS,
        "expand": EXPAND,
        "invoice_items": "not passed on: give items",
        "preview_mode": SUBSCRIPTIONS,
        "schedule": SUBSCRIPTIONS,
        "schedule_details": SUBSCRIPTIONS,
        "subscription": SUBSCRIPTIONS,
        "subscription_details": SUBSCRIPTIONS,
    }
    demands: ClassVar[JsonObject] = any_of(
        form("customer", customer=TEXT), form("customer_details", customer_details=OBJECT)
    )

    customer: StripeId | None = Field(
        default=None,
        description="The preview includes the items of this customer that wait for the next invoice.",
        examples=["cus_QXg1"],
    )
    customer_details: PreviewCustomer | None = None
    currency: Currency | None = None
    automatic_tax: AutomaticTaxParams | None = None
    discounts: Discounts | None = None
    issuer: PartyParams | None = None
    on_behalf_of: StripeId | None = None
    items: Annotated[Items, To()] = Field(default=[], examples=[[{"price": "price_1Pgf", "quantity": 2}]])

    def model_post_init(self, _context: Any, /) -> None:
        """Require a customer, of whatever kind."""
        if self.customer is None and self.customer_details is None:
            raise WrongFields("one of customer and customer_details must be given", "customer", "customer_details")


SHOWN = (
    "customer", "currency", "subtotal", "total", "amount_due", "amount_shipping", "discounts", "taxes", "customer_name",
    "customer_email", "customer_address", "customer_tax_ids",
)  # fmt: skip
"""The fields of an invoice that a preview has, too."""
NOT_MADE = ("id", "line_item")
"""The fields of an item that a preview's lacks."""


def _like(name: str, model: type[Shown], names: tuple[str, ...], **more: Any) -> type[Shown]:
    """A schema with the fields `names` of `model`, and `more`."""
    fields: dict[str, Any] = {one: (model.model_fields[one].annotation, model.model_fields[one]) for one in names}
    return create_model(name, __base__=Shown, **fields, **more)


ItemPreviewed = _like("ItemPreviewed", ItemRead, tuple(one for one in ItemRead.model_fields if one not in NOT_MADE))
InvoicePreviewed = _like(
    "InvoicePreviewed",
    InvoiceRead,
    SHOWN,
    items=(list[ItemPreviewed], Field(description="The first ten, as Stripe shows them; the totals count all.")),  # type: ignore[valid-type]
)
