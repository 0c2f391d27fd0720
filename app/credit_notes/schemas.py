"""Credit notes. `From` says where a field stands in Stripe's object."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import TypeAliasType

from app.domain.credit_note import CreditNoteStatus, CreditNoteType
from app.domain.json import JsonObject, JsonView
from app.domain.money import plain
from app.domain.sources import REFERENCE, Feed, From, Identity, Ours, Passing, id_of, time, without_reference
from app.http.schema_rules import INTEGER, NULL, TEXT, WrongFields, form, one_of
from app.http.schemas import (
    EXPAND,
    Create,
    Metadata,
    OwnReference,
    PositiveAmount,
    Request,
    Shown,
    StripeId,
    Text,
    Time,
    UnitAmount,
    UnitAmountDecimal,
)

CreditNoteReason = TypeAliasType(
    "CreditNoteReason", Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"]
)
CreditNoteLineType = TypeAliasType("CreditNoteLineType", Literal["invoice_line_item", "custom_line_item"])
OWN_TAXES = "out of scope: taxes of your own in credit notes; Stripe has those of the invoice"
ELSEWHERE = "out of scope: refunds of what was not paid through Stripe"
Quantity = Annotated[int, Field(ge=1, le=1_000_000_000)]


class CreditNoteLineParams(Request):
    """A line: a part of an item of the invoice (`invoice_line_item`), or one of its own (`custom_line_item`)."""

    demands: ClassVar[JsonObject] = one_of(
        form(
            "type", "invoice_line_item", "amount", type={"const": "invoice_line_item"}, invoice_line_item=TEXT,
            unit_amount=NULL, unit_amount_decimal=NULL, description=NULL, amount=INTEGER, quantity=NULL,
        ),
        form(
            "type", "invoice_line_item", type={"const": "invoice_line_item"}, invoice_line_item=TEXT,
            unit_amount=NULL, unit_amount_decimal=NULL, description=NULL, amount=NULL,
        ),
        form(
            "type", "description", "unit_amount", type={"const": "custom_line_item"}, invoice_line_item=NULL,
            amount=NULL, description=TEXT, unit_amount=INTEGER, unit_amount_decimal=NULL,
        ),
        form(
            "type", "description", "unit_amount_decimal", type={"const": "custom_line_item"}, invoice_line_item=NULL,
            amount=NULL, description=TEXT, unit_amount=NULL, unit_amount_decimal=TEXT,
        ),
    )  # fmt: skip

    refused: ClassVar[Mapping[str, str]] = {
        "metadata": "not passed on: give the metadata of the credit note",
        "tax_amounts": OWN_TAXES,
        "tax_rates": OWN_TAXES,
    }

    type: CreditNoteLineType = Field(examples=["invoice_line_item"])
    invoice_line_item: StripeId | None = Field(
        default=None, description="The `line_item` of the invoice's item.", examples=["il_1Pgf"]
    )
    amount: PositiveAmount | None = Field(default=None, description="Of an item: how much of it is credited.")
    quantity: Quantity | None = Field(default=None, examples=[1])
    unit_amount: UnitAmount | None = None
    unit_amount_decimal: UnitAmountDecimal | None = None
    description: Text | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        units = [name for name in ("unit_amount", "unit_amount_decimal") if getattr(self, name) is not None]
        if self.type == "invoice_line_item":
            if self.invoice_line_item is None:
                raise WrongFields("must be given with this type", "invoice_line_item")
            if units or self.description is not None:
                raise WrongFields("goes with custom_line_item", *(units or ["description"]))
            if self.amount is not None and self.quantity is not None:
                raise WrongFields("only one of amount and quantity may be given", "amount", "quantity")
            return self
        foreign = [name for name in ("invoice_line_item", "amount") if getattr(self, name) is not None]
        if foreign:
            raise WrongFields("goes with the type invoice_line_item", *foreign)
        if len(units) != 1:
            raise WrongFields(
                "exactly one of unit_amount and unit_amount_decimal must be given", "unit_amount", "unit_amount_decimal"
            )
        if self.description is None:
            raise WrongFields("must be given with this type", "description")
        return self


class LinkedRefund(Request):
    """A refund that was made before, and that this credit note documents."""

    refused: ClassVar[Mapping[str, str]] = {"payment_record_refund": ELSEWHERE, "type": ELSEWHERE}

    refund: StripeId = Field(examples=["re_3Pgf"])
    amount_refunded: PositiveAmount | None = Field(default=None, description="All of the refund if it is absent.")


class CreditNotePreviewed(Create):
    """One of `amount` and `lines`.

    What was paid already is given back as `refund_amount`, `credit_amount` (to the customer's balance),
    `out_of_band_amount` and `refunds` say; together they must be what the credit note exceeds `amount_remaining` by.
    """

    demands: ClassVar[JsonObject] = one_of(
        form("amount", amount=INTEGER, lines=NULL), form("lines", amount=NULL, lines={"type": "array"})
    )

    refused: ClassVar[Mapping[str, str]] = {
        "expand": EXPAND,
        "invoice": "not passed on: the address names the invoice",
        "shipping_cost": "not passed on: credit shipping as an amount",
    }

    amount: PositiveAmount | None = Field(default=None, examples=[12000])
    lines: Annotated[list[CreditNoteLineParams], Field(min_length=1, max_length=250)] | None = None
    reason: CreditNoteReason | None = Field(default=None, examples=["order_change"])
    memo: Text | None = Field(default=None, max_length=5000, description="Printed on the credit note.")
    refund_amount: PositiveAmount | None = Field(default=None, examples=[12000])
    credit_amount: PositiveAmount | None = None
    out_of_band_amount: PositiveAmount | None = None
    refunds: Annotated[list[LinkedRefund], Field(min_length=1, max_length=100)] | None = None
    effective_at: Time | None = Field(default=None, description="The printed date of issue; now if it is absent.")

    @model_validator(mode="after")
    def _one_sum(self) -> Self:
        if (self.amount is None) == (self.lines is None):
            raise WrongFields("exactly one of amount and lines must be given", "amount", "lines")
        return self


class CreditNoteCreate(CreditNotePreviewed):
    email_type: Literal["credit_note", "none"] | None = Field(
        default=None, description="Whether Stripe mails it to the customer: `credit_note`, as it does by default."
    )
    metadata: Metadata = {}
    reference: OwnReference = None


class CreditNoteRefund(Shown):
    """A refund of the credit note, and how much of it."""

    refund: str | None = Field(examples=["re_3Pgf"])
    amount: int


class CreditNoteLineRead(Shown):
    id: str = Field(examples=["cnli_1Pgf"])
    type: CreditNoteLineType
    invoice_line_item: str | None
    description: str | None
    quantity: int | None
    unit_amount_decimal: str | None
    amount: int


def refunds_of(note: JsonView) -> list[JsonObject]:
    """The refunds of a credit note. One of a payment outside of Stripe has no id."""
    return [{"refund": id_of(one.get("refund")), "amount": one["amount_refunded"]} for one in note.get("refunds") or []]


def by_refunds(note: JsonView) -> int:
    """What a credit note gives back by refunds."""
    return sum(one["amount"] for one in refunds_of(note))


def outside_of_stripe(note: JsonView) -> int:
    """What a credit note gives back outside of Stripe."""
    return int(note.get("out_of_band_amount") or 0)


def to_the_balance(note: JsonView) -> int:
    """What a credit note puts on the customer's balance."""
    return int(note["post_payment_amount"]) - by_refunds(note) - outside_of_stripe(note)


def lines_of(lines: JsonView | None) -> list[JsonObject]:
    """The lines that Stripe shows with a credit note: the first ten."""
    return [
        {
            "id": line["id"],
            "type": line["type"],
            "invoice_line_item": line.get("invoice_line_item"),
            "description": line.get("description"),
            "quantity": line.get("quantity"),
            "unit_amount_decimal": None if line.get("unit_amount_decimal") is None else plain(line["unit_amount_decimal"]),
            "amount": line["amount"],
        }
        for line in (lines or {}).get("data") or []
    ]  # fmt: skip


class CreditNoteIssued(Shown):
    id: Annotated[str, From("id"), Identity, Feed] = Field(examples=["cn_1Pgf"])
    number: Annotated[str | None, From("number"), Feed] = Field(examples=["XK4C7QPL-0001-CN-01"])
    status: Annotated[CreditNoteStatus, From("status"), Feed]


class CreditNotePreview(Shown):
    """What a credit note would be. Nothing is issued."""

    invoice: Annotated[str, From("invoice", id_of), Identity, Feed]
    customer: Annotated[str | None, From("customer", id_of), Feed]
    type: Annotated[CreditNoteType, From("type"), Feed]
    reason: Annotated[str | None, From("reason"), Feed]
    memo: Annotated[str | None, From("memo")]
    currency: Annotated[str, From("currency"), Feed]
    subtotal: Annotated[int, From("subtotal"), Feed]
    total: Annotated[int, From("total"), Feed]
    pre_payment_amount: Annotated[int, From("pre_payment_amount"), Feed] = Field(
        description="What it takes off `amount_remaining`."
    )
    post_payment_amount: Annotated[int, From("post_payment_amount"), Feed] = Field(
        description="What it gives back of what was paid."
    )
    refund_amount: Annotated[int, From(by_refunds), Feed] = Field(description="By refunds.")
    credit_amount: Annotated[int, From(to_the_balance), Feed] = Field(description="To the customer's balance.")
    out_of_band_amount: Annotated[int, From(outside_of_stripe), Feed] = Field(description="Outside of Stripe.")
    lines: Annotated[list[CreditNoteLineRead], From("lines", lines_of)] = Field(
        description="The first ten, as Stripe shows them."
    )
    effective_at: Annotated[datetime | None, From("effective_at", time), Feed]


class CreditNoteRead(CreditNotePreview, CreditNoteIssued):
    refunds: Annotated[list[CreditNoteRefund], From(refunds_of), Feed]
    pdf: Annotated[str | None, From("pdf"), Passing]
    metadata: Annotated[dict[str, str], From("metadata", without_reference), Feed]
    reference: Annotated[str | None, From("metadata?", REFERENCE), Feed]
    livemode: Annotated[bool, From("livemode"), Identity, Feed]
    created_at: Annotated[datetime, From("created", time), Identity, Feed]
    voided_at: Annotated[datetime | None, From("voided_at", time), Feed]
    updated_at: Annotated[datetime, Ours, Feed]
