"""Use cases of products and prices."""

from app.domain.errors import InvalidState, StripeInvalidRequest
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.projection.write_through import Writer, stripe_params
from app.stripe.mapping import Kind

PRODUCT_FIELDS = ("name", "description", "active")
PRICE_FIELDS = ("product", "unit_amount", "unit_amount_decimal", "currency", "nickname", "lookup_key")
PRICE_UPDATES = ("active", "nickname", "lookup_key")


class Catalog:
    """The use cases; `params` has the shape of the schema named in each."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def create_product(self, operation: Operation, params: JsonView) -> Answer:
        """Create a product (ProductCreate)."""
        return await self._writer.create(operation, Kind.PRODUCT, params, stripe_params(params, *PRODUCT_FIELDS))

    async def update_product(self, operation: Operation, params: JsonView) -> Answer:
        """Change a product (ProductUpdate)."""
        return await self._writer.update(operation, Kind.PRODUCT, stripe_params(params, *PRODUCT_FIELDS))

    async def delete_product(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete a product. Raises InvalidState with Stripe's reason if it has prices: it can only be archived."""
        try:
            return await self._writer.delete(operation, Kind.PRODUCT)
        except StripeInvalidRequest as error:
            raise InvalidState(error.detail, stripe=error.stripe) from error

    async def create_price(self, operation: Operation, params: JsonView) -> Answer:
        """Create a price (PriceCreate); its amount never changes."""
        return await self._writer.create(operation, Kind.PRICE, params, stripe_params(params, *PRICE_FIELDS))

    async def update_price(self, operation: Operation, params: JsonView) -> Answer:
        """Change a price (PriceUpdate); its amount cannot change."""
        return await self._writer.update(operation, Kind.PRICE, stripe_params(params, *PRICE_UPDATES))
