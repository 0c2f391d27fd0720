"""Which coupons and promotion codes are listed."""

from app.http.parameters import IdQuery, ReferenceQuery
from app.http.queries import Paging


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
