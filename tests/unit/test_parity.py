"""Every field of what is mirrored is everywhere that it belongs, or stands here with the reason why it is not."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from app.admin.login import Operator
from app.admin.views.invoices import InvoiceView
from app.admin.views.mirrored import later_section
from app.admin.views.mirrors import CATALOG, RETURNS
from app.admin.views.table import ReadOnlyView
from app.catalog.schemas import PriceRead, ProductRead
from app.credit_notes.schemas import CreditNoteRead
from app.customers.schemas import CustomerRead
from app.discounts.schemas import CouponRead, PromotionCodeRead
from app.disputes.schemas import DisputeRead
from app.domain.erasure import NOT_PEOPLE, PERSONAL
from app.domain.masking import MASK
from app.domain.sources import Feed, From, Joined, Personal
from app.events.schemas import InvoiceState
from app.fulfillment.schemas import FulfillmentRead
from app.invoices.particulars import InvoicePaymentListed
from app.invoices.read_schemas import InvoiceListed, InvoiceRead, ItemRead
from app.payment_methods.schemas import PaymentMethodRead, SetupIntentRead
from app.refunds.schemas import RefundRead
from app.stripe.mapping import FIELDS, ITEM, Kind
from app.taxes.schemas import TaxIdRead, TaxRateRead
from tests.unit.test_fields import Kept, Listed

READ: dict[Kind, type[BaseModel]] = {
    Kind.PRODUCT: ProductRead,
    Kind.PRICE: PriceRead,
    Kind.CUSTOMER: CustomerRead,
    Kind.INVOICE: InvoiceRead,
    Kind.REFUND: RefundRead,
    Kind.CREDIT_NOTE: CreditNoteRead,
    Kind.DISPUTE: DisputeRead,
    Kind.PAYMENT_METHOD: PaymentMethodRead,
    Kind.TAX_RATE: TaxRateRead,
    Kind.TAX_ID: TaxIdRead,
    Kind.COUPON: CouponRead,
    Kind.PROMOTION_CODE: PromotionCodeRead,
}
VIEWS: dict[Kind, type[ReadOnlyView]] = {Kind.INVOICE: InvoiceView, **RETURNS, **CATALOG}
NOT_IN_DOCUMENTS = {
    "fulfillment": "another row's: it is joined when the invoice is read",
    "items": "a document of their own: lists are shown without",
    "is_default": "another row's: the customer says so",
    "payments": "rows of their own, which are read beside it",
}
NOT_TOLD = {
    "description": "printed text, which may name people",
    "customer_name": "says who somebody is",
    "customer_email": "says who somebody is",
    "customer_address": "says who somebody is",
    "customer_tax_ids": "says who somebody is",
    "customer_phone": "says who somebody is",
    "customer_shipping": "says who somebody is",
    "shipping_details": "says who somebody is",
    "footer": "printed text, which may name people",
    "custom_fields": "printed text, which may name people",
    "hosted_invoice_url": "whoever has it may pay, and it is refreshed without a word",
    "invoice_pdf": "whoever has it sees who it is for, and it is refreshed without a word",
    "fulfillment": "has events of its own",
    "items": "may be many, and change in drafts only",
    "payments": "have events of their own",
}
NOT_IN_THE_CONSOLE = {
    "fulfillment": "a view of its own, and the timeline",
    "items": "a section of their own",
    "payments": "a section of their own",
    "is_default": "on the customer's page",
}
COVERED = (Path(__file__).resolve().parents[2] / "docs" / "contributing" / "stripe-coverage.md").read_text()
ROWS: dict[str, type[BaseModel]] = {
    **{kind.value.replace("_", " "): model for kind, model in READ.items()},
    "item": ItemRead,
    "entry of `payments`": InvoicePaymentListed,
    "fulfillment": FulfillmentRead,
    "SetupIntent": SetupIntentRead,
}
"""What each row of its table of fields is about."""


@pytest.mark.parametrize("kind", Kind)
def test_every_field_is_in_the_document(kind: Kind) -> None:
    fields = set(READ[kind].model_fields)
    assert fields - set(FIELDS[kind].names) == fields & NOT_IN_DOCUMENTS.keys()


def test_every_field_of_an_invoice_is_told_in_the_feed() -> None:
    assert InvoiceRead.model_fields.keys() - InvoiceState.model_fields.keys() == NOT_TOLD.keys()
    assert set(FIELDS[Kind.INVOICE].marked(Feed)) == InvoiceState.model_fields.keys()


@pytest.mark.parametrize("kind", Kind)
def test_every_field_is_in_the_console(kind: Kind) -> None:
    view = VIEWS[kind]
    columns = {str(name).rstrip("_") for name in view.column_details_list or [*view.model.__table__.columns.keys()]}  # type: ignore[attr-defined]
    fields = [name for name in READ[kind].model_fields if name not in {"invoice_settings", "promotion"}]
    assert set(fields) - columns - FIELDS[kind].later.keys() <= NOT_IN_THE_CONSOLE.keys()


def test_every_field_is_in_the_docs() -> None:
    rows = dict(re.findall(r"^\| (.+?) \| `(.+)` \|$", COVERED.partition("\n## Fields\n")[2], re.MULTILINE))
    assert rows.keys() == ROWS.keys()
    for name, model in ROWS.items():
        shown = re.sub(r"\{.*?\}|\(.*?\)", "", rows[name])
        assert {*re.findall(r"\w+", shown)} - {"and"} == model.model_fields.keys(), name


@pytest.mark.parametrize(("kind", "model"), [*READ.items(), (None, ItemRead)])
def test_what_says_who_somebody_is_is_marked(kind: Kind | None, model: type[BaseModel]) -> None:
    marked = FIELDS[kind].marked(Personal) if kind else ITEM.marked(Personal)
    hidden = PERSONAL - {"name"} if kind and kind.value in {*NOT_PEOPLE, "price"} else PERSONAL
    for name, field in model.model_fields.items():
        sources = [it for it in field.metadata if isinstance(it, From)]
        if sources and {step.rstrip("?") for step in sources[0].names} & hidden:
            assert name in marked, f"{model.__name__}.{name} is somebody's, and not marked as Personal"


def test_an_invoice_is_listed_as_it_is_read_but_for_items_and_payments() -> None:
    assert InvoiceRead.model_fields.keys() - InvoiceListed.model_fields.keys() == {"items", "payments"}
    assert all(Joined in InvoiceRead.model_fields[name].metadata for name in ("items", "payments"))


@pytest.mark.parametrize(("admin", "shown"), [(True, "r-1"), (False, f"r{MASK}")])
def test_the_console_shows_later_fields_and_masks_what_is_personal(
    monkeypatch: pytest.MonkeyPatch, *, admin: bool, shown: str
) -> None:
    fields = type(FIELDS[Kind.INVOICE])(Kept, Listed)
    monkeypatch.setitem(fields._marked, Personal, ("receipt",))
    section = later_section(fields, {"receipt": "r-1", "taxes": []}, Operator("o", admin=admin))
    assert [[str(cell) for cell in row] for row in section.rows] == [
        ["<code>receipt</code>", shown],
        ["<code>taxes</code>", '<span class="quiet">&ndash;</span>'],
    ]
