"""Invoices and their items as they are shown. `From` says where a field stands in Stripe's object."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.customers.schemas import AddressRead
from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus, Settlement
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
    ids,
    listed,
    not_negative,
    taken,
    time,
    without_reference,
)
from app.http.schemas import CustomFieldRead, Shown
from app.invoices.particulars import (
    AutomaticTax,
    DiscountAmountRead,
    FinalizationError,
    InvoicePaymentListed,
    InvoiceTaxIdRead,
    Parent,
    Party,
    PaymentSettings,
    Period,
    PretaxCredit,
    Rendering,
    ShippingCost,
    ShippingDetails,
    StatusDetails,
    TaxRead,
    discounted,
    finalization_error,
    frozen_tax_ids,
    in_full,
    item_id,
    line_taxes,
    paid_out_of_band,
    settlement,
    tax_amounts,
)

CollectionMethod = TypeAliasType("CollectionMethod", Literal["send_invoice", "charge_automatically"])
Status = Literal["draft", "open", "paid", "void", "uncollectible"]


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
    subtotal: Annotated[int | None, From("subtotal", since=4)] = Field(
        description="The amount before any discounts and taxes."
    )
    discount_amounts: Annotated[list[DiscountAmountRead], From("discount_amounts", discounted, since=4)] = Field(
        description="What each discount, its own or one of the invoice, takes off this item."
    )
    discounts: Annotated[list[str], From("discounts", ids, since=4)] = Field(description="The item's own discounts.")
    discountable: Annotated[bool | None, From("discountable", since=4)]
    pretax_credit_amounts: Annotated[list[PretaxCredit], From("pretax_credit_amounts", taken(PretaxCredit), since=4)]
    taxes: Annotated[list[TaxRead], From(line_taxes, since=4)]
    period: Annotated[Period | None, From("period", taken(Period), since=4)] = Field(
        description="When the service was rendered."
    )
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
    auto_advance: Annotated[bool, From("auto_advance", bool), Feed]
    currency: Annotated[str, From("currency"), Feed]
    subtotal: Annotated[int, From("subtotal"), Feed]
    total: Annotated[int, From("total"), Feed]
    amount_due: Annotated[int, From("amount_due"), Feed]
    amount_paid: Annotated[int, From("amount_paid"), Feed]
    amount_paid_off_stripe: Annotated[int | None, From("amount_paid_off_stripe", since=4), Feed] = Field(
        description="What was paid outside of Stripe."
    )
    amount_overpaid: Annotated[int | None, From("amount_overpaid", since=4), Feed] = Field(
        description="What was paid too much: Stripe credits it to the customer's balance."
    )
    amount_remaining: Annotated[int, From("amount_remaining", not_negative), Feed]
    subtotal_excluding_tax: Annotated[int | None, From("subtotal_excluding_tax", since=4), Feed]
    total_excluding_tax: Annotated[int | None, From("total_excluding_tax", since=4), Feed]
    starting_balance: Annotated[int | None, From("starting_balance", since=4), Feed] = Field(
        description="The customer's balance before the invoice was finalized, of a draft the balance now; a credit is negative."
    )
    ending_balance: Annotated[int | None, From("ending_balance", since=4), Feed] = Field(
        description="The customer's balance after it was finalized; null on a draft."
    )
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
    shipping_cost: Annotated[ShippingCost | None, From("shipping_cost", taken(ShippingCost), since=4), Feed]
    shipping_details: Annotated[
        ShippingDetails | None, From("shipping_details", taken(ShippingDetails), since=4), Personal
    ]
    receipt_number: Annotated[str | None, From("receipt_number", since=3), Feed]
    statement_descriptor: Annotated[str | None, From("statement_descriptor", since=3), Feed]
    from_invoice: Annotated[str | None, From("from_invoice?", "invoice", id_of, since=4), Feed] = Field(
        description="The invoice that this one revises."
    )
    latest_revision: Annotated[str | None, From("latest_revision", id_of, since=4), Feed] = Field(
        description="The finalized invoice that replaces this one."
    )
    discounts: Annotated[list[DiscountAmountRead], From("total_discount_amounts", discounted, since=2), Feed] = Field(
        description="What each discount takes off; `total` is the items less these, plus shipping and taxes that are not inclusive."
    )
    total_pretax_credit_amounts: Annotated[
        list[PretaxCredit], From("total_pretax_credit_amounts", taken(PretaxCredit), since=4), Feed
    ] = Field(description="What is taken off before tax: discounts once more, and credit grants.")
    taxes: Annotated[list[TaxRead], From(tax_amounts, since=2), Feed]
    default_tax_rates: Annotated[list[str], From("default_tax_rates", ids, since=4), Feed]
    automatic_tax: Annotated[AutomaticTax | None, From("automatic_tax", taken(AutomaticTax), since=4), Feed]
    last_finalization_error: Annotated[
        FinalizationError | None, From("last_finalization_error", finalization_error, since=2), Feed
    ] = Field(description="Why Stripe last refused to finalize this draft.")
    customer_name: Annotated[str | None, From("customer_name", since=2), Personal] = Field(
        description="As Stripe froze it when it finalized the invoice, as are the other `customer_` fields."
    )
    customer_email: Annotated[str | None, From("customer_email", since=2), Personal]
    customer_address: Annotated[AddressRead | None, From("customer_address", since=2), Personal]
    customer_phone: Annotated[str | None, From("customer_phone", since=4), Personal]
    customer_shipping: Annotated[
        ShippingDetails | None, From("customer_shipping", taken(ShippingDetails), since=4), Personal
    ]
    customer_tax_ids: Annotated[list[InvoiceTaxIdRead], From("customer_tax_ids", frozen_tax_ids, since=2), Personal]
    customer_tax_exempt: Annotated[str | None, From("customer_tax_exempt", since=4), Feed] = Field(
        description="`none`, `exempt` or `reverse`: the customer owes the tax itself.", examples=["none"]
    )
    account_name: Annotated[str | None, From("account_name", since=4), Passing, Feed] = Field(
        description="The merchant's name."
    )
    account_country: Annotated[str | None, From("account_country", since=4), Passing, Feed] = Field(examples=["DE"])
    account_tax_ids: Annotated[list[str], From("account_tax_ids", ids, since=4), Feed] = Field(
        description="The merchant's tax ids that are printed."
    )
    issuer: Annotated[Party | None, From("issuer", taken(Party), since=4), Feed]
    on_behalf_of: Annotated[str | None, From("on_behalf_of", id_of, since=4), Feed]
    application: Annotated[str | None, From("application", id_of, since=4), Feed]
    billing_reason: Annotated[str | None, From("billing_reason", since=4), Feed] = Field(examples=["manual"])
    parent: Annotated[Parent | None, From("parent", taken(Parent), since=4), Feed] = Field(
        description="The quote or the subscription that Stripe made it for."
    )
    default_payment_method: Annotated[str | None, From("default_payment_method", id_of, since=4), Feed]
    payment_settings: Annotated[PaymentSettings | None, From("payment_settings", taken(PaymentSettings), since=4), Feed]
    attempted: Annotated[bool | None, From("attempted", since=4), Feed] = Field(
        description="Whether a payment was made or tried."
    )
    attempt_count: Annotated[int | None, From("attempt_count", since=4), Feed] = Field(
        description="How often Stripe tried to charge it by itself."
    )
    next_payment_attempt: Annotated[datetime | None, From("next_payment_attempt", time, since=4), Feed]
    automatically_finalizes_at: Annotated[datetime | None, From("automatically_finalizes_at", time, since=4), Feed]
    effective_at: Annotated[datetime | None, From("effective_at", time, since=4), Feed] = Field(
        description="The date that is printed on it."
    )
    period_start: Annotated[datetime | None, From("period_start", time, since=4), Feed]
    period_end: Annotated[datetime | None, From("period_end", time, since=4), Feed]
    rendering: Annotated[Rendering | None, From("rendering", taken(Rendering), since=4), Feed]
    status_details: Annotated[StatusDetails | None, From("status_details", taken(StatusDetails), since=4), Feed]
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
    payments: Annotated[list[InvoicePaymentListed], Joined] = Field(
        description="Newest first. `…/payments` also shows what came back of each."
    )
    items: Annotated[list[ItemRead], Joined]


class InvoiceDocument(InvoiceRead):
    """What is kept of an invoice: what is shown, and what only the feed, the payment page and fulfillments need."""

    paid_out_of_band: Annotated[bool, From(paid_out_of_band), Feed]


class InvoiceWithSecret(InvoiceRead):
    """An invoice with the secret by which a front end confirms its payment; null where there is nothing to pay."""

    client_secret: str | None = Field(default=None, examples=["pi_3Pgf_secret_kz"])


class HostedPagesRead(Shown):
    """Addresses that hold for days from now on; null for a draft."""

    hosted_invoice_url: str | None = Field(examples=["https://invoice.stripe.com/i/acct_1/test_1"])
    invoice_pdf: str | None = Field(examples=["https://pay.stripe.com/invoice/acct_1/test_1/pdf"])
    as_of: datetime = Field(description="When Stripe gave these addresses.")


class ClientSecret(Shown):
    client_secret: str = Field(examples=["pi_3Pgf_secret_kz"])
    publishable_key: str
    payment_intent: str | None
