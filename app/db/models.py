"""Owns the schema: the tables, their constraints and their indexes, as SQLAlchemy models.

Migrations are written from it, and tests fail where the migrations or the column lists of tables.py drift from it. The
service itself speaks asyncpg and does not load this.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    desc,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus

INBOX_STATUSES = ("received", "processing", "processed", "ignored", "failed", "dead")
WAITING_STATUSES = ("received", "failed")
DUE_STATUSES = (*WAITING_STATUSES, "processing")
"""Events that are to be processed once their next_attempt_at has come; `processing` comes due when a worker died."""


def _one_of(column: str, values: Iterable[str]) -> str:
    names = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({names})"


class Model(DeclarativeBase):
    """What every table shares: constraint names that do not depend on who created them, and the column types."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 -- SQLAlchemy reads it as declared
        str: Text,
        int: BigInteger,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
        datetime: TIMESTAMP(timezone=True),
    }


class Mirrored:
    """Columns of a table that mirrors one kind of Stripe object: which snapshot of it is applied, and when.

    `revision` counts the changes here, so that an answer of Stripe's is known to be newer than what was asked about.
    """

    id: Mapped[str] = mapped_column(primary_key=True)
    livemode: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    snapshot_since: Mapped[datetime]
    snapshot_until: Mapped[datetime]
    snapshot_digest: Mapped[str]
    revision: Mapped[int] = mapped_column(server_default=text("1"))


class Product(Mirrored, Model):
    __tablename__ = "products"

    name: Mapped[str]
    description: Mapped[str | None]
    active: Mapped[bool]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    reference: Mapped[str | None]

    __table_args__ = (
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
        Index("ix_customers_newest", desc("created_at"), desc("id")),
        Index("ix_customers_email_newest", "email", desc("created_at"), desc("id")),
        Index("ix_customers_reference", "reference", postgresql_where=text("reference IS NOT NULL")),
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

    __table_args__ = (
        CheckConstraint(_one_of("status", InvoiceStatus), name="status"),
        CheckConstraint("amount_due >= 0 AND amount_paid >= 0 AND amount_remaining >= 0", name="amounts_not_negative"),
        CheckConstraint("currency = lower(currency) AND length(currency) = 3", name="currency"),
        CheckConstraint("jsonb_array_length(custom_fields) <= 4", name="custom_fields_at_most_four"),
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


class Fulfillment(Model):
    __tablename__ = "fulfillments"

    id: Mapped[str] = mapped_column(primary_key=True)
    invoice: Mapped[str] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    customer: Mapped[str | None]
    status: Mapped[str]
    amount_paid: Mapped[int]
    currency: Mapped[str]
    payment_intent: Mapped[str | None]
    paid_out_of_band: Mapped[bool]
    attempts: Mapped[int]
    failure_code: Mapped[str | None]
    failure_decline_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    failure_at: Mapped[datetime | None]
    attempt: Mapped[str | None]
    attempt_at: Mapped[datetime | None]
    fulfilled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_fulfillments_invoice", "invoice", unique=True),
        CheckConstraint(_one_of("status", FulfillmentStatus), name="status"),
        CheckConstraint("amount_paid >= 0 AND attempts >= 0", name="amounts_not_negative"),
        CheckConstraint("(attempt IS NULL) = (attempt_at IS NULL)", name="attempt_has_time"),
        CheckConstraint("(status = 'fulfilled') = (fulfilled_at IS NOT NULL)", name="fulfilled_has_time"),
        Index("ix_fulfillments_newest", desc("created_at"), desc("id")),
        Index("ix_fulfillments_status_newest", "status", desc("created_at"), desc("id")),
        Index("ix_fulfillments_customer_newest", "customer", desc("created_at"), desc("id")),
        Index("ix_fulfillments_updated", desc("updated_at")),
    )


class WebhookEvent(Model):
    """The inbox: every event ever received, as it came. The row is also the job that will process it.

    processed_at is when its effects were first committed; a replay does not move it.
    """

    __tablename__ = "webhook_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    object_id: Mapped[str | None]
    api_version: Mapped[str | None]
    account: Mapped[str | None]
    livemode: Mapped[bool]
    created_at: Mapped[datetime]
    payload: Mapped[str]  # compressed by lz4 or not at all: its migration says why
    verified_by: Mapped[str | None]
    signature: Mapped[str | None]
    source: Mapped[str]
    request_id: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_error: Mapped[str | None]
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    processed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(_one_of("status", INBOX_STATUSES), name="status"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint(f"({_one_of('status', DUE_STATUSES)}) = (next_attempt_at IS NOT NULL)", name="due_has_time"),
        Index("ix_webhook_events_due", "next_attempt_at", postgresql_where=text(_one_of("status", WAITING_STATUSES))),
        Index("ix_webhook_events_leased", "next_attempt_at", postgresql_where=text("status = 'processing'")),
        Index("ix_webhook_events_newest", desc("received_at"), desc("id")),
        Index("ix_webhook_events_object", "object_id", "created_at"),
    )


class Tombstone(Model):
    """An object that is gone at Stripe and was never seen here: what is said of it later must not bring it to life."""

    __tablename__ = "tombstones"

    id: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Change(Model):
    """What became of an invoice and of its fulfillment, in the order it happened here; rows are only ever added.

    subject: `invoice` or `fulfillment`. cause: the event (`evt_…`) or whatever else brought it about.
    """

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    invoice: Mapped[str]
    subject: Mapped[str]
    was: Mapped[str | None]
    became: Mapped[str]
    cause: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))

    __table_args__ = (
        CheckConstraint("subject IN ('invoice', 'fulfillment')", name="subject"),
        Index("ix_changes_invoice", "invoice", "id"),
    )


class Coverage(Model):
    """How far the reconciler has compared Stripe's events with the inbox: one row."""

    __tablename__ = "coverage"

    name: Mapped[str] = mapped_column(primary_key=True)
    complete_until: Mapped[datetime]
    compared: Mapped[int] = mapped_column(server_default=text("0"))
    missed: Mapped[int] = mapped_column(server_default=text("0"))
    repaired: Mapped[int] = mapped_column(server_default=text("0"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Operation(Model):
    """One mutating request: its idempotency key (null where the caller sent none), how far it got, what was answered."""

    __tablename__ = "operations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    caller: Mapped[str]
    idempotency_key: Mapped[str | None]
    fingerprint: Mapped[str]
    name: Mapped[str]
    params: Mapped[dict[str, Any]]
    progress: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    subject: Mapped[str | None]
    request_id: Mapped[str | None]
    locked_until: Mapped[datetime]
    takeovers: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    answered_at: Mapped[datetime | None]
    answer_status: Mapped[int | None] = mapped_column(Integer)
    answer_body: Mapped[str | None]
    last_error: Mapped[str | None]

    __table_args__ = (
        Index("uq_operations_caller_key", "caller", "idempotency_key", unique=True),
        CheckConstraint("(answered_at IS NULL) = (answer_status IS NULL)", name="answered_has_status"),
        CheckConstraint("length(idempotency_key) BETWEEN 1 AND 255", name="key_length"),
        Index("ix_operations_unanswered", "locked_until", postgresql_where=text("answered_at IS NULL")),
        Index("ix_operations_created", "created_at"),
        Index("ix_operations_subject", "subject", "created_at"),
    )


class ReferenceClaim(Model):
    """The caller's own ids: claimed before Stripe is asked, so that two creates never share one."""

    __tablename__ = "reference_claims"

    resource: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[UUID | None]
    object_id: Mapped[str | None]

    __table_args__ = (CheckConstraint("length(reference) BETWEEN 1 AND 200", name="reference_length"),)


class PaymentLink(Model):
    """A link that lets somebody without an account pay one invoice. Its token is never stored, only made again."""

    __tablename__ = "payment_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    invoice: Mapped[str] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_payment_links_invoice", "invoice"),)


class ApiKey(Model):
    """A service's key: only its digest is kept. `caller` is who it stands for, the same before and after a rotation."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    caller: Mapped[str]
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes]
    scopes: Mapped[list[str]]
    livemode: Mapped[bool]
    replaced_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
        Index("uq_api_keys_prefix", "prefix", unique=True, postgresql_ops={"prefix": "text_pattern_ops"}),
        Index("ix_api_keys_newest", desc("created_at"), desc("id")),
    )


class AuditEntry(Model):
    """Who did what, when, and how it ended. Rows are only ever added: triggers refuse everything else."""

    __tablename__ = "audit_log"

    id: Mapped[str] = mapped_column(
        primary_key=True, server_default=text("'aud_' || replace(gen_random_uuid()::text, '-', '')")
    )
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str | None]
    outcome: Mapped[str]
    request_id: Mapped[str | None]
    operation: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_audit_log_newest", desc("at"), desc("id")),
        Index("ix_audit_log_subject_newest", "subject", desc("at"), desc("id")),
        Index("ix_audit_log_actor_newest", "actor", desc("at"), desc("id")),
    )


class RateBucket(Model):
    """A bucket of requests somebody may still make, shared by all processes. Losing it in a crash costs nothing."""

    __tablename__ = "rate_buckets"

    name: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Float)
    granted: Mapped[float] = mapped_column(Float)
    filled_at: Mapped[datetime]

    __table_args__ = (Index("ix_rate_buckets_filled", "filled_at"), {"prefixes": ["UNLOGGED"]})
