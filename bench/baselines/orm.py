"""The usual way: FastAPI, an SQLAlchemy session, and pydantic models for the answers."""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.db.schema import fulfillments, invoice_items, invoices, metadata

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:", 1), pool_size=10)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI(openapi_url=None)


class Model(DeclarativeBase):
    metadata = metadata


class Invoice(Model):
    __table__ = invoices
    metadata_ = invoices.c.metadata


class InvoiceItem(Model):
    __table__ = invoice_items
    metadata_ = invoice_items.c.metadata


class Fulfillment(Model):
    __table__ = fulfillments


class ItemRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    line_item: str
    price: str | None
    product: str | None
    quantity: int | None
    unit_amount_decimal: str | None
    amount: int
    currency: str
    description: str | None
    metadata: dict[str, Any] = Field(validation_alias="metadata_")


class FulfillmentRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    status: str
    fulfilled_at: datetime | None


class InvoiceRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    number: str | None
    status: str
    customer: str | None
    reference: str | None
    collection_method: str
    auto_advance: bool
    currency: str
    subtotal: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    due_at: datetime | None
    description: str | None
    footer: str | None
    custom_fields: list[Any]
    metadata: dict[str, Any] = Field(validation_alias="metadata_")
    payment_intent: str | None
    hosted_invoice_url: str | None
    invoice_pdf: str | None
    livemode: bool
    created_at: datetime
    finalized_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    marked_uncollectible_at: datetime | None
    updated_at: datetime
    fulfillment: FulfillmentRead | None = None
    items: list[ItemRead] = []


async def _session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(_session)]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Up."""
    return {}


@app.get("/v1/invoices/{invoice_id}")
async def get_invoice(invoice_id: str, session: SessionDep) -> InvoiceRead:
    """Read one."""
    invoice = await session.get(Invoice, invoice_id)
    if invoice is None:
        raise HTTPException(404)
    shown = InvoiceRead.model_validate(invoice)
    items = select(InvoiceItem).where(invoice_items.c.invoice == invoice_id).order_by(invoice_items.c.position)
    shown.items = [ItemRead.model_validate(item) for item in await session.scalars(items)]
    fulfillment = await session.scalar(select(Fulfillment).where(fulfillments.c.invoice == invoice_id))
    shown.fulfillment = FulfillmentRead.model_validate(fulfillment) if fulfillment else None
    return shown


@app.get("/v1/invoices")
async def list_invoices(session: SessionDep, limit: int = 20) -> dict[str, list[InvoiceRead]]:
    """Read the newest."""
    newest = select(Invoice).order_by(invoices.c.created_at.desc(), invoices.c.id.desc()).limit(limit)
    shown = [InvoiceRead.model_validate(invoice) for invoice in await session.scalars(newest)]
    wanted = select(Fulfillment).where(fulfillments.c.invoice.in_([invoice.id for invoice in shown]))
    known = {found.__dict__["invoice"]: found for found in await session.scalars(wanted)}
    for one in shown:
        if one.id in known:
            one.fulfillment = FulfillmentRead.model_validate(known[one.id])
    return {"data": shown}
