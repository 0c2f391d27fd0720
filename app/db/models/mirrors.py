"""Owns the tables that mirror Stripe's objects: products, prices, customers, invoices with their items and payments."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.mapped import Mirrored, Model, one_of, undocumented
from app.domain.invoice import InvoiceStatus


class Product(Mirrored, Model):
    __tablename__ = "products"

    name: Mapped[str]
    description: Mapped[str | None]
    active: Mapped[bool]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    reference: Mapped[str | None]

    __table_args__ = (
        undocumented("products"),
        Index("ix_products_newest", desc("created_at"), desc("id")),
        Index("ix_products_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
    )


class Price(Mirrored, Model):
    __tablename__ = "prices"

    product: Mapped[str]
    active: Mapped[bool]
    type: Mapped[str]
    currency: Mapped[str]
    unit_amount: Mapped[int | None]
    unit_amount_decimal: Mapped[str | None]
    nickname: Mapped[str | None]
    lookup_key: Mapped[str | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    reference: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("unit_amount >= 0", name="unit_amount_not_negative"),
        undocumented("prices"),
        Index("ix_prices_newest", desc("created_at"), desc("id")),
        Index("ix_prices_product_newest", "product", desc("created_at"), desc("id")),
        Index("ix_prices_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
    )


class Customer(Mirrored, Model):
    __tablename__ = "customers"

    name: Mapped[str | None]
    email: Mapped[str | None]
    description: Mapped[str | None]
    phone: Mapped[str | None]
    address: Mapped[dict[str, Any] | None]
    default_payment_method: Mapped[str | None]
    custom_fields: Mapped[list[Any]]
    footer: Mapped[str | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    reference: Mapped[str | None]

    __table_args__ = (
        undocumented("customers"),
        Index("ix_customers_newest", desc("created_at"), desc("id")),
        Index("ix_customers_email_newest", "email", desc("created_at"), desc("id")),
        Index("ix_customers_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
        Index("ix_customers_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )


class Invoice(Mirrored, Model):
    __tablename__ = "invoices"

    number: Mapped[str | None]
    status: Mapped[str]
    customer: Mapped[str | None]
    reference: Mapped[str | None]
    collection_method: Mapped[str]
    auto_advance: Mapped[bool]
    currency: Mapped[str]
    subtotal: Mapped[int]
    total: Mapped[int]
    amount_due: Mapped[int]
    amount_paid: Mapped[int]
    amount_remaining: Mapped[int]
    due_at: Mapped[datetime | None]
    description: Mapped[str | None]
    footer: Mapped[str | None]
    custom_fields: Mapped[list[Any]]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    payment_intent: Mapped[str | None]
    paid_out_of_band: Mapped[bool]
    lines_digest: Mapped[str]
    account_name: Mapped[str | None]
    hosted_invoice_url: Mapped[str | None]
    invoice_pdf: Mapped[str | None]
    finalized_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    marked_uncollectible_at: Mapped[datetime | None]
    items_document: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(one_of("status", InvoiceStatus), name="status"),
        CheckConstraint("amount_due >= 0 AND amount_paid >= 0 AND amount_remaining >= 0", name="amounts_not_negative"),
        CheckConstraint("currency = lower(currency) AND length(currency) = 3", name="currency"),
        CheckConstraint("jsonb_array_length(custom_fields) <= 4", name="custom_fields_at_most_four"),
        undocumented("invoices"),
        Index("ix_invoices_newest", desc("created_at"), desc("id")),
        Index("ix_invoices_customer_newest", "customer", desc("created_at"), desc("id")),
        Index("ix_invoices_status_newest", "status", desc("created_at"), desc("id")),
        Index("ix_invoices_due", "due_at", postgresql_where=text("status = 'open'")),
        Index("ix_invoices_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
        Index("ix_invoices_payment_intent", "payment_intent", postgresql_where=text("payment_intent IS NOT NULL")),
    )


class InvoiceItem(Model):
    __tablename__ = "invoice_items"

    line_item: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str]
    invoice: Mapped[str] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    price: Mapped[str | None]
    product: Mapped[str | None]
    quantity: Mapped[int | None]
    unit_amount_decimal: Mapped[str | None]
    amount: Mapped[int]
    currency: Mapped[str]
    description: Mapped[str | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")

    __table_args__ = (
        CheckConstraint("position >= 0", name="position_not_negative"),
        Index("ix_invoice_items_invoice", "invoice", "position"),
        Index("ix_invoice_items_id", "id"),
    )


class InvoicePayment(Model):
    """Which PaymentIntent pays which invoice; a PaymentIntent does not say so itself."""

    __tablename__ = "invoice_payments"

    payment_intent: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str | None]
    invoice: Mapped[str]
    is_default: Mapped[bool]

    __table_args__ = (Index("ix_invoice_payments_invoice", "invoice"),)
