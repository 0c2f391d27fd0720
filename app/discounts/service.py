"""Use cases of coupons and promotion codes."""

from datetime import datetime

from app.domain.json import JsonObject, JsonView
from app.idempotency.operations import Answer, Operation
from app.projection.write_through import Writer, stripe_params
from app.stripe.mapping import Kind

COUPON_FIELDS = (
    "id", "name", "percent_off", "amount_off", "currency", "duration", "duration_in_months", "max_redemptions", "applies_to",
)  # fmt: skip
CODE_FIELDS = ("code", "active", "customer", "max_redemptions")
LONGEST_YEARS = 5


class Discounts:
    """The use cases; `params` has the shape of the schema named in each."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def create_coupon(self, operation: Operation, params: JsonView) -> Answer:
        """Create a coupon (CouponCreate)."""
        operation.require_to_come("redeem_by", params.get("redeem_by"), LONGEST_YEARS)
        wanted = stripe_params(params, *COUPON_FIELDS) | _seconds(params, "redeem_by")
        return await self._writer.create(operation, Kind.COUPON, params, wanted)

    async def update_coupon(self, operation: Operation, params: JsonView) -> Answer:
        """Change a coupon's name or metadata (CouponUpdate); what it takes off never changes."""
        return await self._writer.update(operation, Kind.COUPON, stripe_params(params, "name"))

    async def delete_coupon(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete a coupon: nobody can redeem it any more. What it took off stays."""
        return await self._writer.delete(operation, Kind.COUPON)

    async def create_promotion_code(self, operation: Operation, params: JsonView) -> Answer:
        """Create a promotion code (PromotionCodeCreate)."""
        operation.require_to_come("expires_at", params.get("expires_at"))
        wanted = stripe_params(params, *CODE_FIELDS) | _seconds(params, "expires_at")
        wanted["promotion"] = {"type": "coupon"} | params["promotion"]
        limits = {name: value for name, value in (params.get("restrictions") or {}).items() if value is not None}
        return await self._writer.create(
            operation, Kind.PROMOTION_CODE, params, wanted | ({"restrictions": limits} if limits else {})
        )

    async def update_promotion_code(self, operation: Operation, params: JsonView) -> Answer:
        """Turn a promotion code on or off, or change its metadata (PromotionCodeUpdate)."""
        return await self._writer.update(operation, Kind.PROMOTION_CODE, stripe_params(params, "active"))


def _seconds(params: JsonView, name: str) -> JsonObject:
    """The time `name` in Stripe's form, if it is given."""
    given = params.get(name)
    return {name: int(datetime.fromisoformat(given).timestamp())} if given else {}
