"""Customers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.customers.schemas import CustomerCreate, CustomerRead, CustomerUpdate
from app.customers.service import Customers
from app.db.resources import CUSTOMER
from app.http.dependencies import WriteDep, creating, service, writing
from app.http.parameters import CustomerId, EmailQuery, ReferenceQuery
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted

CustomersDep = Annotated[Customers, Depends(service(Customers))]
router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=AuthorizedRoute)


class CustomersQuery(Paging):
    """Which customers are listed."""

    email: EmailQuery = None
    reference: ReferenceQuery = None


@router.post("", **creating(CustomerRead, "reference_taken"))
async def create_customer(body: CustomerCreate, customers: CustomersDep, write: WriteDep) -> Response:
    """Create a customer; its custom fields and footer are handed down to its drafts."""
    return await write.run(customers.create_customer, body.params())


@router.get("", **listing(CustomerRead, CustomersQuery))
async def list_customers(request: Request) -> Response:
    """List customers, newest first."""
    return await many(request, CUSTOMER, read(request, CustomersQuery))


@router.get("/{customer_id}", **reading(CustomerRead))
async def get_customer(customer_id: CustomerId, request: Request) -> Response:
    """Read a customer."""
    return await one(request, CUSTOMER, customer_id)


@router.patch("/{customer_id}", **writing(CustomerRead, "not_found"))
async def update_customer(
    customer_id: CustomerId, body: CustomerUpdate, customers: CustomersDep, write: WriteDep
) -> Response:
    """Change a customer."""
    return await write.run(customers.update_customer, body.params(), customer_id)


@router.delete("/{customer_id}", **writing(Deleted, "not_found"))
async def delete_customer(customer_id: CustomerId, customers: CustomersDep, write: WriteDep) -> Response:
    """Delete a customer; its invoices stay."""
    return await write.run(customers.delete_customer, {}, customer_id)
