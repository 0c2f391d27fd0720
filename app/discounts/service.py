"""Use cases of coupons and promotion codes."""

from app.discounts.schemas import CouponCreate, CouponUpdate, PromotionCodeCreate, PromotionCodeUpdate
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation
from app.projection.write_through import AtStripe
from app.stripe.mapping import Kind

LONGEST_YEARS = 5


class Discounts(AtStripe):
    async def create_coupon(self, operation: Operation, params: JsonView) -> Answer:
        """Create a coupon (CouponCreate)."""
        operation.require_to_come("redeem_by", params.get("redeem_by"), LONGEST_YEARS)
        return await self._writer.create(operation, Kind.COUPON, CouponCreate, params)

    async def update_coupon(self, operation: Operation, params: JsonView) -> Answer:
        """Change a coupon's name or metadata (CouponUpdate); what it takes off never changes."""
        return await self._writer.update(operation, Kind.COUPON, CouponUpdate, params)

    async def delete_coupon(self, operation: Operation, _params: JsonView) -> Answer:
        """Delete a coupon: nobody can redeem it any more. What it took off stays."""
        return await self._writer.delete(operation, Kind.COUPON)

    async def create_promotion_code(self, operation: Operation, params: JsonView) -> Answer:
        """Create a promotion code (PromotionCodeCreate)."""
        operation.require_to_come("expires_at", params.get("expires_at"))
        promotion = {"type": "coupon"} | params["promotion"]
        return await self._writer.create(
            operation, Kind.PROMOTION_CODE, PromotionCodeCreate, params, promotion=promotion
        )

    async def update_promotion_code(self, operation: Operation, params: JsonView) -> Answer:
        """Turn a promotion code on or off, or change its metadata (PromotionCodeUpdate)."""
        return await self._writer.update(operation, Kind.PROMOTION_CODE, PromotionCodeUpdate, params)
