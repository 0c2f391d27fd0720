"""The use cases of customers."""

from app.customers.schemas import CustomerCreate, CustomerUpdate
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.projection.write_through import AtStripe
from app.stripe.mapping import Kind


class Customers(AtStripe):
    async def create_customer(self, operation: Operation, params: JsonView) -> Answer:
        """Create a customer (CustomerCreate) and attach `payment_method` to it."""
        return await self._writer.create(operation, Kind.CUSTOMER, CustomerCreate, params)

    async def update_customer(self, operation: Operation, params: JsonView) -> Answer:
        """Change a customer (CustomerUpdate). Only new drafts copy its custom fields and footer."""
        return await self._writer.update(operation, Kind.CUSTOMER, CustomerUpdate, params)

    async def delete_customer(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete a customer at Stripe; its invoices stay."""
        return await self._writer.delete(operation, Kind.CUSTOMER)
