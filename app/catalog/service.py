"""Use cases of products and prices."""

from app.catalog.schemas import PriceCreate, PriceUpdate, ProductCreate, ProductUpdate
from app.domain.errors import InvalidState, StripeInvalidRequest
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.projection.write_through import AtStripe
from app.stripe.mapping import Kind


class Catalog(AtStripe):
    async def create_product(self, operation: Operation, params: JsonView) -> Answer:
        """Create a product (ProductCreate)."""
        return await self._writer.create(operation, Kind.PRODUCT, ProductCreate, params)

    async def update_product(self, operation: Operation, params: JsonView) -> Answer:
        """Change a product (ProductUpdate)."""
        return await self._writer.update(operation, Kind.PRODUCT, ProductUpdate, params)

    async def delete_product(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete a product. Raises InvalidState with Stripe's reason if it has prices: it can only be archived."""
        try:
            return await self._writer.delete(operation, Kind.PRODUCT)
        except StripeInvalidRequest as error:
            raise InvalidState(error.detail, stripe=error.stripe) from error

    async def create_price(self, operation: Operation, params: JsonView) -> Answer:
        """Create a price (PriceCreate); its amount never changes."""
        return await self._writer.create(operation, Kind.PRICE, PriceCreate, params)

    async def update_price(self, operation: Operation, params: JsonView) -> Answer:
        """Change a price (PriceUpdate); its amount cannot change."""
        return await self._writer.update(operation, Kind.PRICE, PriceUpdate, params)
