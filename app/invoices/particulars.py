"""The parts of an invoice. `taken` reads a part whose fields have Stripe's names."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app.customers.schemas import ShippingRead
from app.domain.invoice import InvoiceStatus, Settlement
from app.domain.json import JsonObject, JsonView
from app.domain.money import plain
from app.domain.sources import id_of
from app.http.schemas import Shown


def in_full(quantity: str | None) -> str | None:
    """A decimal quantity without needless zeros."""
    return None if quantity is None else plain(quantity)


class FinalizationError(Shown):
    """Why Stripe did not finalize a draft."""

    code: str | None
    message: str | None
    param: str | None
    type: str | None


class InvoiceTaxIdRead(Shown):
    type: str = Field(examples=["eu_vat"])
    value: str | None = Field(examples=["DE123456789"])


class DiscountAmountRead(Shown):
    """What one discount takes off the items."""

    discount: str | None = Field(examples=["di_1Pgf"])
    amount: int


class TaxRead(Shown):
    """One tax of the invoice. An inclusive one is part of the items' amounts, others are added to them."""

    amount: int
    taxable_amount: int | None
    inclusive: bool
    tax_rate: str | None = Field(examples=["txr_1Pgf"])
    label: str | None = Field(description="The tax rate's name, where Stripe says it.", examples=["VAT"])
    percentage: str | None = Field(examples=["25"])
    reason: str | None = Field(description="Why the tax is what it is.", examples=["standard_rated"])


class PretaxCredit(Shown):
    """What is taken off before tax: by a discount, or by a credit that was granted."""

    amount: int
    type: str | None = Field(examples=["discount"])
    discount: str | None
    credit_balance_transaction: str | None


class Party(Shown):
    """The account that issues an invoice, or is liable for its tax: `self`, or a connected `account`."""

    type: str | None = Field(examples=["self"])
    account: str | None


class AutomaticTax(Shown):
    enabled: bool | None
    status: str | None = Field(description="`complete`, `failed` or `requires_location_inputs`.")
    disabled_reason: str | None
    provider: str | None
    liability: Party | None


class ShippingTax(Shown):
    amount: int | None
    taxable_amount: int | None
    rate: str | None = Field(examples=["txr_1Pgf"])
    taxability_reason: str | None


class ShippingCost(Shown):
    shipping_rate: str | None = Field(examples=["shr_1Pgf"])
    amount_subtotal: int | None
    amount_tax: int | None
    amount_total: int | None
    taxes: list[ShippingTax]


class ShippingDetails(ShippingRead):
    """To whom it is sent, and by whom."""

    carrier: str | None
    tracking_number: str | None


class QuoteDetails(Shown):
    quote: str | None


class SubscriptionDetails(Shown):
    subscription: str | None


class Parent(Shown):
    type: str | None
    quote_details: QuoteDetails | None
    subscription_details: SubscriptionDetails | None


class PaymentSettings(Shown):
    default_mandate: str | None
    payment_method_types: list[str] | None = Field(description="Null: those of the account's settings.")
    payment_method_options: dict[str, Any] | None = Field(description="As Stripe has them.")


class Pdf(Shown):
    page_size: str | None = Field(examples=["a4"])


class Rendering(Shown):
    amount_tax_display: str | None = Field(examples=["exclude_tax"])
    pdf: Pdf | None
    template: str | None
    template_version: int | None


class Uncollectible(Shown):
    reason: str | None


class StatusDetails(Shown):
    uncollectible: Uncollectible | None


class Period(Shown):
    start: datetime
    end: datetime


class InvoicePaymentListed(Shown):
    """A payment, made or requested, of an invoice."""

    id: str | None = Field(examples=["inpay_1Pgf"])
    payment_intent: str | None = Field(description="Null for a payment that was made elsewhere.")
    payment_record: str | None = Field(description="Of a payment that was made elsewhere.", examples=["pr_1Pgf"])
    is_default: bool = Field(description="Whether it is the one that Stripe made with the invoice.")
    status: str | None = Field(description="`open`, `paid` or `canceled`.", examples=["paid"])
    amount_requested: int | None
    amount_paid: int | None = Field(examples=[24000])
    created_at: datetime | None
    paid_at: datetime | None


def finalization_error(error: JsonView | None) -> JsonObject | None:
    """The parts of Stripe's error that concern people. Others, as the objects it is about, are left out."""
    return {name: error.get(name) for name in FinalizationError.model_fields} if error else None


def frozen_tax_ids(listed_ids: list[JsonObject] | None) -> list[JsonObject]:
    """The tax ids that were frozen with the invoice."""
    return [{"type": one["type"], "value": one.get("value")} for one in listed_ids or []]


def discounted(amounts: list[JsonObject] | None) -> list[JsonObject]:
    """What each discount takes off, those of items and those of the invoice."""
    return [{"discount": id_of(one.get("discount")), "amount": one["amount"]} for one in amounts or []]


def tax_amounts(invoice: JsonView) -> list[JsonObject]:
    """The invoice's taxes. Names and percentages are known of the invoice's own default rates alone."""
    return _taxes(invoice.get("total_taxes"), {rate["id"]: rate for rate in invoice.get("default_tax_rates") or []})


def line_taxes(line: JsonView) -> list[JsonObject]:
    """The taxes of an item. Stripe does not say the names of their rates there."""
    return _taxes(line.get("taxes"), {})


def _taxes(taxes: list[JsonObject] | None, rates: dict[str, JsonObject]) -> list[JsonObject]:
    found: list[JsonObject] = []
    for tax in taxes or []:
        tax_rate = id_of((tax.get("tax_rate_details") or {}).get("tax_rate"))
        rate = rates.get(tax_rate or "", {})
        found.append(
            {
                "amount": tax["amount"],
                "taxable_amount": tax.get("taxable_amount"),
                "inclusive": tax.get("tax_behavior") == "inclusive",
                "tax_rate": tax_rate,
                "label": rate.get("display_name"),
                "percentage": None if rate.get("percentage") is None else plain(rate["percentage"]),
                "reason": tax.get("taxability_reason"),
            }
        )
    return found


def item_id(line: JsonView) -> str:
    """The id by which callers know a line item: the invoice item's, where it comes of one."""
    parent = (line.get("parent") or {}).get("invoice_item_details") or {}
    return str(parent.get("invoice_item") or line["id"])


def paid_out_of_band(invoice: JsonView) -> bool:
    """Paid outside of Stripe: it says so, or the invoice is paid though nothing was ever attempted."""
    if invoice["status"] != InvoiceStatus.PAID:
        return False
    return bool(invoice.get("amount_paid_off_stripe")) or (invoice["amount_due"] > 0 and not invoice["attempted"])


def settlement(invoice: JsonView) -> Settlement | None:
    """What made the invoice paid; None while it is not."""
    if invoice["status"] != InvoiceStatus.PAID:
        return None
    if paid_out_of_band(invoice):
        return Settlement.OUT_OF_BAND
    total, credited = invoice["total"], invoice.get("pre_payment_credit_notes_amount") or 0
    if invoice["amount_paid"] > (invoice.get("amount_overpaid") or 0):
        return Settlement.PAYMENT
    if total <= 0:
        return Settlement.NEGATIVE_TOTAL if total else Settlement.NOTHING_DUE
    if credited >= total:
        return Settlement.CREDIT_NOTE
    return Settlement.BELOW_MINIMUM if (invoice.get("ending_balance") or 0) > 0 else Settlement.CUSTOMER_BALANCE
