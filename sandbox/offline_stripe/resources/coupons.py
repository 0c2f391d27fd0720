"""`/v1/coupons`: what a discount takes off. `billing.discounts` redeems them."""

from offline_stripe.billing.currencies import check_currency
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.resources.fields import apply_fields, deleted
from offline_stripe.shapes import catalog as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request, parameter_missing, require_positive, require_to_come
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_FIELDS = ("amount_off", "duration", "duration_in_months", "max_redemptions", "name", "percent_off", "redeem_by")
_WHOLE = 100


def create_coupon(call: Call) -> Document:
    tx, params = call.tx, call.params
    _check(params)
    require_positive(params, "amount_off", "duration_in_months", "max_redemptions")
    require_to_come(tx.now, params, "redeem_by")
    identifier = params.get("id") or tx.store.identifiers.draw(8)
    if tx.find(identifier) is not None:
        raise invalid_request("Coupon already exists.", code="resource_already_exists", param="id")
    coupon = shapes.coupon(id=identifier, created=tx.now, metadata=merged_metadata({}, params.get("metadata", {})))
    apply_fields(coupon, params, _FIELDS)
    if "amount_off" in params:
        coupon["currency"] = check_currency(params["currency"])
    products = params.get("applies_to", {}).get("products", [])
    coupon["_applies_to"] = [tx.need("product", it, param="applies_to[products]")["id"] for it in products]
    coupon["_currency_options"] = _options(params)
    tx.add(coupon)
    announce(tx, "coupon.created", coupon)
    return coupon


def _options(params: Document) -> dict[str, int]:
    """The amount off in other currencies."""
    sent = params.get("currency_options", {})
    return {check_currency(currency, "currency_options"): option["amount_off"] for currency, option in sent.items()}


def _check(params: Document) -> None:
    if ("amount_off" in params) == ("percent_off" in params):
        raise invalid_request("You must pass either `percent_off` or `amount_off`, and not both.")
    if "amount_off" in params and "currency" not in params:
        raise parameter_missing("currency")
    if "percent_off" in params and not 0 < params["percent_off"] <= _WHOLE:
        raise invalid_request("`percent_off` must be greater than 0 and at most 100.", param="percent_off")
    if params.get("duration") == "repeating" and "duration_in_months" not in params:
        raise parameter_missing("duration_in_months")


def _coupon(call: Call) -> Document:
    return call.tx.need("coupon", call.path["id"], param="coupon", status=404)


def retrieve_coupon(call: Call) -> Document:
    return _coupon(call)


def update_coupon(call: Call) -> Document:
    coupon = _coupon(call)
    with updating(call.tx, "coupon.updated", coupon):
        apply_fields(coupon, call.params, ("name",))
        coupon["_currency_options"] |= _options(call.params)
        if "metadata" in call.params:
            coupon["metadata"] = merged_metadata(coupon["metadata"], call.params["metadata"])
    return coupon


def list_coupons(call: Call) -> Page:
    filters = Filters().within("created", call.params.get("created"))
    return list_documents(call.tx, "coupon", call.params, filters, "/v1/coupons")


def delete_coupon(call: Call) -> Document:
    coupon = _coupon(call)
    announce(call.tx, "coupon.deleted", coupon)
    call.tx.remove(coupon)
    return deleted(coupon)


ROUTES = (
    Route(
        "POST",
        "/v1/coupons",
        create_coupon,
        "CouponCreateParams",
        takes="amount_off applies_to currency currency_options duration duration_in_months id max_redemptions metadata name percent_off redeem_by",
    ),
    Route("GET", "/v1/coupons", list_coupons, "CouponListParams", takes=f"{PAGE} created"),
    Route("GET", "/v1/coupons/{id}", retrieve_coupon, "CouponRetrieveParams", takes=""),
    Route("POST", "/v1/coupons/{id}", update_coupon, "CouponUpdateParams", takes="currency_options metadata name"),
    Route("DELETE", "/v1/coupons/{id}", delete_coupon, "CouponDeleteParams", takes=""),
)
