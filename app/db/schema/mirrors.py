"""The tables that mirror Stripe's objects: products, prices, customers, invoices, what came back."""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    desc,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.schema import SchemaItem

from app.db.schema.metadata import JSON, TIME, metadata, one_of
from app.domain.invoice import InvoiceStatus


def mirrored(name: str, *more: SchemaItem, referenced: bool = True, lists: Iterable[tuple[str, ...]] = ((),)) -> Table:
    """The table of a mirrored object: which snapshot of it is applied, and when, and `more`.

    `revision` counts the changes here, so that an answer of Stripe's is known to be newer than the row it was asked
    for. `document` is the API's answer as JSON, written by code whose fields have `document_version`; null and 0 until
    there is one. `later_digests` holds one digest for each version of fields after the first. `sequence` numbers the
    rows as they were inserted, 0 for older rows: Stripe's times are whole seconds, and lists need an order within one.

    `referenced` objects have metadata and a caller's reference. `lists` are the columns that lists, newest first, are
    filtered by: an index each.
    """
    if referenced:
        by_reference = Index(f"ix_{name}_reference", "reference", postgresql_where=text("reference IS NOT NULL"))
        more = (Column("metadata", JSON, nullable=False), Column("reference", Text), by_reference, *more)
    return Table(
        name,
        metadata,
        Column("id", Text, primary_key=True),
        Column("livemode", Boolean, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("updated_at", TIME, nullable=False),
        Column("deleted_at", TIME),
        Column("snapshot_since", TIME, nullable=False),
        Column("snapshot_until", TIME, nullable=False),
        Column("snapshot_digest", Text, nullable=False),
        Column("revision", BigInteger, server_default=text("1"), nullable=False),
        Column("document", Text),
        Column("document_version", Integer, server_default=text("0"), nullable=False),
        Column("later_digests", ARRAY(Text)),
        Column("sequence", BigInteger, Identity(), nullable=False),
        Index(f"ix_{name}_undocumented", "id", postgresql_where=text("document_version = 0")),
        *more,
        *(Index("_".join(("ix", name, *by, "newest")), *by, desc("created_at"), desc("id")) for by in lists),
    )


NEVER = "'9999-12-31 23:59:59+00'::timestamptz"
"""When an invoice without a due date is due, where invoices are listed by it."""

products = mirrored(
    "products",
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("active", Boolean, nullable=False),
)

prices = mirrored(
    "prices",
    Column("product", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("type", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("unit_amount", BigInteger),
    Column("unit_amount_decimal", Text),
    Column("nickname", Text),
    Column("lookup_key", Text),
    CheckConstraint("unit_amount >= 0", name="unit_amount_not_negative"),
    lists=((), ("product",)),
)

customers = mirrored(
    "customers",
    Column("name", Text),
    Column("email", Text),
    Column("description", Text),
    Column("phone", Text),
    Column("address", JSON),
    Column("default_payment_method", Text),
    Column("custom_fields", JSON, nullable=False),
    Column("footer", Text),
    Index("ix_customers_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    lists=((), ("email",)),
)

invoices = mirrored(
    "invoices",
    Column("number", Text),
    Column("status", Text, nullable=False),
    Column("customer", Text),
    Column("collection_method", Text, nullable=False),
    Column("auto_advance", Boolean, nullable=False),
    Column("currency", Text, nullable=False),
    Column("subtotal", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("amount_due", BigInteger, nullable=False),
    Column("amount_paid", BigInteger, nullable=False),
    Column("amount_remaining", BigInteger, nullable=False),
    Column("due_at", TIME),
    Column("description", Text),
    Column("footer", Text),
    Column("custom_fields", JSON, nullable=False),
    Column("payment_intent", Text),
    Column("paid_out_of_band", Boolean, nullable=False),
    Column("lines_digest", Text, nullable=False),
    Column("account_name", Text),
    Column("hosted_invoice_url", Text),
    Column("invoice_pdf", Text),
    Column("finalized_at", TIME),
    Column("paid_at", TIME),
    Column("voided_at", TIME),
    Column("marked_uncollectible_at", TIME),
    Column("items_document", Text),
    Column("reminded_until", TIME),
    Column("next_step", Text),
    Column("stuck_since", TIME),
    Column("search", TSVECTOR),
    CheckConstraint(one_of("status", InvoiceStatus), name="status"),
    CheckConstraint("amount_due >= 0 AND amount_paid >= 0 AND amount_remaining >= 0", name="amounts_not_negative"),
    CheckConstraint("currency = lower(currency) AND length(currency) = 3", name="currency"),
    CheckConstraint("jsonb_array_length(custom_fields) <= 4", name="custom_fields_at_most_four"),
    Index("ix_invoices_stuck", "stuck_since", "id", postgresql_where=text("stuck_since IS NOT NULL")),
    Index(
        "ix_invoices_without_next_step",
        "id",
        postgresql_where=text("next_step IS NULL AND status IN ('draft', 'open')"),
    ),
    Index(
        "ix_invoices_owed",
        "due_at",
        postgresql_include=["currency", "amount_remaining"],
        postgresql_where=text("status = 'open'"),
    ),
    Index(
        "ix_invoices_paid",
        "paid_at",
        postgresql_include=["id", "currency", "finalized_at", "amount_paid", "paid_out_of_band"],
        postgresql_where=text("status = 'paid'"),
    ),
    Index("ix_invoices_number", "number", postgresql_where=text("number IS NOT NULL")),
    Index("ix_invoices_metadata", "metadata", postgresql_using="gin", postgresql_ops={"metadata": "jsonb_path_ops"}),
    Index("ix_invoices_search", "search", postgresql_using="gin"),
    Index("ix_invoices_by_created_at", "status", "collection_method", desc("created_at"), desc("id")),
    Index("ix_invoices_by_due_at", "status", "collection_method", text(f"coalesce(due_at, {NEVER})"), "id"),
    Index("ix_invoices_by_amount_due", "status", "collection_method", "amount_due", "id"),
    Index("ix_invoices_payment_intent", "payment_intent", postgresql_where=text("payment_intent IS NOT NULL")),
    lists=((), ("customer",), ("status",)),
)

invoice_items = Table(
    "invoice_items",
    metadata,
    Column("line_item", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("invoice", Text, ForeignKey("invoices.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("price", Text),
    Column("product", Text),
    Column("quantity", BigInteger),
    Column("unit_amount_decimal", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("description", Text),
    Column("metadata", JSON, nullable=False),
    CheckConstraint("position >= 0", name="position_not_negative"),
    Index("ix_invoice_items_invoice", "invoice", "position"),
    Index("ix_invoice_items_id", "id"),
)

invoice_payments = Table(
    "invoice_payments",
    metadata,
    Column("payment_intent", Text, primary_key=True),
    Column("id", Text),
    Column("invoice", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("status", Text),
    Column("amount_requested", BigInteger),
    Column("amount_paid", BigInteger),
    Column("created_at", TIME),
    Column("paid_at", TIME),
    Column("payment_record", Text),
    Index("ix_invoice_payments_invoice", "invoice"),
    Index("ix_invoice_payments_before", "payment_intent", postgresql_where=text("status IS NULL")),
    Index(
        "ix_invoice_payments_paid",
        "paid_at",
        postgresql_include=["invoice", "amount_paid"],
        postgresql_where=text("status = 'paid'"),
    ),
)
"""Which PaymentIntents pay which invoice. A PaymentIntent itself does not say so.

A payment that was made elsewhere has no PaymentIntent: its key `payment_intent` is the id of its payment record, as is
`payment_record`.

status, amounts and times are null if an older release recorded the payment.
"""


def _returned(name: str, *more: SchemaItem, referenced: bool = True, by: tuple[str, ...] = ()) -> Table:
    """The table of what came back of an invoice's payments: whose it is, and `more`. `by` are further lists."""
    return mirrored(
        name,
        Column("invoice", Text, ForeignKey("invoices.id", ondelete="RESTRICT"), nullable=False),
        Column("customer", Text),
        Column("status", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("reason", Text),
        *more,
        referenced=referenced,
        lists=((), ("invoice",), ("customer",), *((column,) for column in by)),
    )


refunds = _returned(
    "refunds",
    Column("payment_intent", Text),
    Column("charge", Text),
    Column("amount", BigInteger, nullable=False),
    Column("pending_reason", Text),
    Column("failure_reason", Text),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    Index("ix_refunds_unfinished", "updated_at", postgresql_where=text("status IN ('pending', 'requires_action')")),
    Index("ix_refunds_failed", "updated_at", postgresql_where=text("status = 'failed'")),
    Index("ix_refunds_payment_intent", "payment_intent"),
)

credit_notes = _returned(
    "credit_notes",
    Column("number", Text),
    Column("type", Text, nullable=False),
    Column("memo", Text),
    Column("subtotal", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("pre_payment_amount", BigInteger, nullable=False),
    Column("post_payment_amount", BigInteger, nullable=False),
    Column("refund_amount", BigInteger, nullable=False),
    Column("credit_amount", BigInteger, nullable=False),
    Column("out_of_band_amount", BigInteger, nullable=False),
    Column("refunds", JSON, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("pdf", Text),
    Column("effective_at", TIME),
    Column("voided_at", TIME),
    CheckConstraint("pre_payment_amount >= 0 AND post_payment_amount >= 0", name="amounts_not_negative"),
)

disputes = _returned(
    "disputes",
    Column("payment_intent", Text),
    Column("charge", Text),
    Column("amount", BigInteger, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("is_charge_refundable", Boolean, nullable=False),
    Column("evidence_due_at", TIME),
    Column("has_evidence", Boolean, nullable=False),
    Column("submission_count", Integer, nullable=False),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    Index("ix_disputes_payment_intent", "payment_intent"),
    referenced=False,
    by=("status",),
)

payment_methods = mirrored(
    "payment_methods",
    Column("customer", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("brand", Text),
    Column("last4", Text),
    Column("exp_month", Integer),
    Column("exp_year", Integer),
    Column("mandate", Text),
    Column("mandate_status", Text),
    Column("mandate_at", TIME),
    Index("ix_payment_methods_mandate", "mandate", postgresql_where=text("mandate IS NOT NULL")),
    referenced=False,
    lists=(("customer",),),
)
"""Saved payment methods. One that is detached is deleted here: it never comes back. The columns
`mandate…` hold the last report on the mandate of a debit, and its time.
"""

setup_intents = Table(
    "setup_intents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payment_method", Text),
    Column("failure_code", Text),
    Column("failure_decline_code", Text),
    Column("livemode", Boolean, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("updated_at", TIME, nullable=False),
    Index("ix_setup_intents_customer", "customer"),
)
"""SetupIntents of customers, as they were last heard of. They say whose the events about them are."""

document_rebuilds = Table(
    "document_rebuilds",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("after", Text, server_default="", nullable=False),
    Column("derived", BigInteger, server_default=text("0"), nullable=False),
    Column("fetched", BigInteger, server_default=text("0"), nullable=False),
    Column("finished", Boolean, server_default=text("false"), nullable=False),
    Column("updated_at", TIME, server_default=func.now(), nullable=False),
)
"""How far the documents of a kind were renewed for a version of its fields: up to the id `after`."""
