"""Discounts: a coupon redeemed on a customer, an invoice or an item.

This module redeems coupons within their limits. `billing.totals` computes what a discount takes off.
"""

from offline_stripe.billing.promotions import Purchase, take_code
from offline_stripe.documents import Document
from offline_stripe.presentation import still_valid
from offline_stripe.shapes import catalog as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

DISCOUNTS = "discounts{coupon discount promotion_code}"
"""What of a `discounts` parameter has an effect."""
_REDEEMED = ("percent_off", "amount_off", "currency", "_applies_to", "_currency_options")


def discounts_from(tx: Transaction, sent: object, purchase: Purchase, **owner: str | None) -> list[str]:
    """The ids of the discounts that a `discounts` parameter asks for; an empty string asks for none."""
    if not isinstance(sent, list):
        return []
    return [_discount(tx, entry, purchase, owner) for entry in sent]


def _discount(tx: Transaction, entry: Document, purchase: Purchase, owner: dict[str, str | None]) -> str:
    if "discount" in entry:
        return str(tx.need("discount", entry["discount"], param="discounts")["id"])
    if "promotion_code" in entry:
        code = take_code(tx, entry["promotion_code"], purchase)
        coupon = code["promotion"]["coupon"]
        return str(redeem(tx, coupon, "discounts", promotion_code=code["id"], **owner)["id"])
    if "coupon" not in entry:
        raise invalid_request(
            "One of these parameters must be given: coupon, discount, promotion_code.", param="discounts"
        )
    return str(redeem(tx, entry["coupon"], "discounts", **owner)["id"])


def redeem(tx: Transaction, identifier: str, param: str, **owner: str | None) -> Document:
    coupon = tx.need("coupon", identifier, param=param)
    if not still_valid(tx, coupon):
        raise invalid_request(f"Coupon {identifier} is not valid for use.", code="coupon_expired", param=param)
    coupon["times_redeemed"] += 1
    tx.save(coupon)
    return tx.add(
        shapes.discount(
            id=tx.new_id("di"),
            start=tx.now,
            source={"coupon": coupon["id"], "type": "coupon"},
            _coupon={name: coupon.get(name) for name in _REDEEMED},
            **owner,
        )
    )
