"""The use cases of customers."""

from app.domain.json import JsonObject, JsonView
from app.idempotency.operations import Answer, Operation
from app.projection.write_through import Writer, cleared, stripe_params
from app.stripe.mapping import Kind

FIELDS = ("name", "email", "description", "phone", "address", "preferred_locales", "payment_method")


class Customers:
    """The use cases; `params` has the shape of the schema named in each."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def create_customer(self, operation: Operation, params: JsonView) -> Answer:
        """Create a customer (CustomerCreate) and attach `payment_method` to it."""
        return await self._writer.create(operation, Kind.CUSTOMER, params, _wanted(params))

    async def update_customer(self, operation: Operation, params: JsonView) -> Answer:
        """Change a customer (CustomerUpdate).

        New drafts copy its custom fields and footer; existing ones keep theirs.
        """
        return await self._writer.update(operation, Kind.CUSTOMER, _wanted(params))

    async def delete_customer(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete a customer at Stripe; its invoices stay."""
        return await self._writer.delete(operation, Kind.CUSTOMER)


def _wanted(params: JsonView) -> JsonObject:
    wanted = stripe_params(params, *FIELDS)
    if isinstance(wanted.get("address"), dict):
        wanted["address"] = {name: cleared(value) for name, value in wanted["address"].items()}
    settings = params.get("invoice_settings")
    if settings:
        wanted["invoice_settings"] = {name: cleared(value) for name, value in settings.items()}
    return wanted
