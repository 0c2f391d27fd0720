"""Use cases of tax rates and of the tax ids of customers."""

from app.db import documents, resources
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.projection.write_through import AtStripe
from app.stripe.mapping import Kind
from app.taxes.schemas import TaxIdCreate, TaxRateCreate, TaxRateUpdate


class Taxes(AtStripe):
    async def create_tax_rate(self, operation: Operation, params: JsonView) -> Answer:
        """Create a tax rate (TaxRateCreate); its percentage never changes."""
        return await self._writer.create(operation, Kind.TAX_RATE, TaxRateCreate, params)

    async def update_tax_rate(self, operation: Operation, params: JsonView) -> Answer:
        """Change a tax rate (TaxRateUpdate)."""
        return await self._writer.update(operation, Kind.TAX_RATE, TaxRateUpdate, params)

    async def create_tax_id(self, operation: Operation, params: JsonView) -> Answer:
        """Give the customer `customer` a tax id (TaxIdCreate)."""
        if operation.fresh:
            async with self._database.connection() as connection:
                await documents.require(connection, resources.CUSTOMER, params["customer"])
        owner = {"type": "customer", "customer": params["customer"]}
        return await self._writer.create(operation, Kind.TAX_ID, TaxIdCreate, params, owner=owner)

    async def delete_tax_id(self, operation: Operation, params: JsonView) -> Answer:
        """Delete a tax id of the customer `customer`. Finalized invoices keep it."""
        if operation.fresh:
            async with self._database.connection() as connection:
                owned = {"customer": params["customer"]}
                await documents.require(connection, resources.TAX_ID, str(operation.subject), **owned)
        return await self._writer.delete(operation, Kind.TAX_ID)
