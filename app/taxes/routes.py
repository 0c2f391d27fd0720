"""Tax rates, and the tax ids of customers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.resources import CUSTOMER, TAX_ID, TAX_RATE
from app.http.dependencies import WriteDep, creating, service, writing
from app.http.parameters import CustomerId, ReferenceQuery, TaxId, TaxRateId
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading, require_known
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted
from app.taxes.schemas import TaxIdCreate, TaxIdRead, TaxRateCreate, TaxRateRead, TaxRateUpdate
from app.taxes.service import Taxes

TaxesDep = Annotated[Taxes, Depends(service(Taxes))]
rates = APIRouter(prefix="/v1/tax-rates", tags=["tax rates"], route_class=AuthorizedRoute)
ids = APIRouter(prefix="/v1/customers/{customer_id}/tax-ids", tags=["tax ids"], route_class=AuthorizedRoute)


class TaxRatesQuery(Paging):
    """Which tax rates are listed."""

    active: bool | None = None
    inclusive: bool | None = None
    reference: ReferenceQuery = None


@rates.post("", **creating(TaxRateRead, "reference_taken"))
async def create_tax_rate(body: TaxRateCreate, taxes: TaxesDep, write: WriteDep) -> Response:
    """Create a tax rate; its percentage, and whether it is inclusive, never change."""
    return await write.run(taxes.create_tax_rate, body.params())


@rates.get("", **listing(TaxRateRead, TaxRatesQuery))
async def list_tax_rates(request: Request) -> Response:
    """List tax rates, newest first: your own, and those that Stripe made for automatic tax."""
    return await many(request, TAX_RATE, read(request, TaxRatesQuery))


@rates.get("/{tax_rate_id}", **reading(TaxRateRead))
async def get_tax_rate(tax_rate_id: TaxRateId, request: Request) -> Response:
    """Read a tax rate."""
    return await one(request, TAX_RATE, tax_rate_id)


@rates.patch("/{tax_rate_id}", **writing(TaxRateRead, "not_found"))
async def update_tax_rate(tax_rate_id: TaxRateId, body: TaxRateUpdate, taxes: TaxesDep, write: WriteDep) -> Response:
    """Change what a tax rate is called; `active: false` archives it."""
    return await write.run(taxes.update_tax_rate, body.params(), tax_rate_id)


@ids.post("", **creating(TaxIdRead, "not_found"))
async def create_tax_id(customer_id: CustomerId, body: TaxIdCreate, taxes: TaxesDep, write: WriteDep) -> Response:
    """Give a customer a tax id, at most five. Stripe verifies some types, which takes a while."""
    return await write.run(taxes.create_tax_id, {**body.params(), "customer": customer_id})


@ids.get("", **listing(TaxIdRead, Paging, "not_found"))
async def list_tax_ids(customer_id: CustomerId, request: Request) -> Response:
    """List the tax ids of a customer, newest first, with what the authorities say of them."""
    asked = read(request, Paging)
    await require_known(request, CUSTOMER, customer_id)
    return await many(request, TAX_ID, asked, customer=customer_id)


@ids.get("/{tax_id}", **reading(TaxIdRead))
async def get_tax_id(customer_id: CustomerId, tax_id: TaxId, request: Request) -> Response:
    """Read a tax id of a customer."""
    return await one(request, TAX_ID, tax_id, customer=customer_id)


@ids.delete("/{tax_id}", **writing(Deleted, "not_found"))
async def delete_tax_id(customer_id: CustomerId, tax_id: TaxId, taxes: TaxesDep, write: WriteDep) -> Response:
    """Delete a tax id of a customer; finalized invoices keep it."""
    return await write.run(taxes.delete_tax_id, {"customer": customer_id}, tax_id)
