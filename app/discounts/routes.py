"""Coupons and promotion codes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.db.resources import COUPON, PROMOTION_CODE
from app.discounts.schemas import (
    CouponCreate,
    CouponRead,
    CouponUpdate,
    PromotionCodeCreate,
    PromotionCodeRead,
    PromotionCodeUpdate,
)
from app.discounts.service import Discounts
from app.http.dependencies import WriteDep, creating, service, writing
from app.http.parameters import CouponId, IdQuery, PromotionCodeId, ReferenceQuery
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted

DiscountsDep = Annotated[Discounts, Depends(service(Discounts))]
coupons = APIRouter(prefix="/v1/coupons", tags=["coupons"], route_class=AuthorizedRoute)
codes = APIRouter(prefix="/v1/promotion-codes", tags=["promotion codes"], route_class=AuthorizedRoute)


class CouponsQuery(Paging):
    """Which coupons are listed."""

    reference: ReferenceQuery = None


class PromotionCodesQuery(Paging):
    """Which promotion codes are listed."""

    code: IdQuery = None
    coupon: IdQuery = None
    customer: IdQuery = None
    active: bool | None = None
    reference: ReferenceQuery = None


@coupons.post("", **creating(CouponRead, "reference_taken"))
async def create_coupon(body: CouponCreate, discounts: DiscountsDep, write: WriteDep) -> Response:
    """Create a coupon; what it takes off never changes."""
    return await write.run(discounts.create_coupon, body.params())


@coupons.get("", **listing(CouponRead, CouponsQuery))
async def list_coupons(request: Request) -> Response:
    """List coupons, newest first."""
    return await many(request, COUPON, read(request, CouponsQuery))


@coupons.get("/{coupon_id}", **reading(CouponRead))
async def get_coupon(coupon_id: CouponId, request: Request) -> Response:
    """Read a coupon."""
    return await one(request, COUPON, coupon_id)


@coupons.patch("/{coupon_id}", **writing(CouponRead, "not_found"))
async def update_coupon(coupon_id: CouponId, body: CouponUpdate, discounts: DiscountsDep, write: WriteDep) -> Response:
    """Change a coupon's name or metadata."""
    return await write.run(discounts.update_coupon, body.params(), coupon_id)


@coupons.delete("/{coupon_id}", **writing(Deleted, "not_found"))
async def delete_coupon(coupon_id: CouponId, discounts: DiscountsDep, write: WriteDep) -> Response:
    """Delete a coupon, so that it can no longer be redeemed; what it took off stays."""
    return await write.run(discounts.delete_coupon, {}, coupon_id)


@codes.post("", **creating(PromotionCodeRead, "reference_taken"))
async def create_promotion_code(body: PromotionCodeCreate, discounts: DiscountsDep, write: WriteDep) -> Response:
    """Create a promotion code: a word by which payers redeem a coupon."""
    return await write.run(discounts.create_promotion_code, body.params())


@codes.get("", **listing(PromotionCodeRead, PromotionCodesQuery))
async def list_promotion_codes(request: Request) -> Response:
    """List promotion codes, newest first."""
    return await many(request, PROMOTION_CODE, read(request, PromotionCodesQuery))


@codes.get("/{promotion_code_id}", **reading(PromotionCodeRead))
async def get_promotion_code(promotion_code_id: PromotionCodeId, request: Request) -> Response:
    """Read a promotion code."""
    return await one(request, PROMOTION_CODE, promotion_code_id)


@codes.patch("/{promotion_code_id}", **writing(PromotionCodeRead, "not_found"))
async def update_promotion_code(
    promotion_code_id: PromotionCodeId, body: PromotionCodeUpdate, discounts: DiscountsDep, write: WriteDep
) -> Response:
    """Turn a promotion code on or off, or change its metadata."""
    return await write.run(discounts.update_promotion_code, body.params(), promotion_code_id)
