"""`/v1/promotion_codes`: words that redeem a coupon. `billing.promotions` redeems them."""

import re

from offline_stripe.billing.currencies import check_currency
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, code_is_active, updating
from offline_stripe.shapes import promotions as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import invalid_request, parameter_missing, require_positive, require_to_come
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_code(call: Call) -> Document:
    tx, params = call.tx, call.params
    if "coupon" not in params["promotion"]:
        raise parameter_missing("promotion[coupon]")
    coupon = tx.need("coupon", params["promotion"]["coupon"], param="promotion[coupon]")
    if "customer" in params:
        tx.need("customer", params["customer"], param="customer")
    require_positive(params, "max_redemptions")
    require_to_come(tx.now, params, "expires_at")
    for name, of_coupon in (("expires_at", "redeem_by"), ("max_redemptions", "max_redemptions")):
        if coupon[of_coupon] is not None and params.get(name, 0) > coupon[of_coupon]:
            raise invalid_request(f"`{name}` cannot be greater than the coupon's `{of_coupon}`.", param=name)
    made = shapes.promotion_code(
        id=tx.new_id("promo"),
        active=params.get("active", True),
        code=(code := _free_code(tx, params.get("code"), params.get("customer"))),
        created=tx.now,
        customer=params.get("customer"),
        expires_at=params.get("expires_at"),
        max_redemptions=params.get("max_redemptions"),
        metadata=merged_metadata({}, params.get("metadata", {})),
        promotion={"coupon": coupon["id"], "type": "coupon"},
        restrictions=_restrictions(params.get("restrictions", {})),
        _link=coupon["id"],
        _code=code.upper(),
    )
    tx.add(made)
    announce(tx, "promotion_code.created", made)
    return made


def _free_code(tx: Transaction, code: str | None, customer: str | None) -> str:
    """The code, or a new one."""
    if code is None:
        return tx.store.identifiers.draw(8).upper()
    if not re.fullmatch("[A-Za-z0-9-]+", code):
        raise invalid_request("Promotion codes consist of letters, digits and dashes.", param="code")
    _require_alone(tx, code, customer)
    return code


def _require_alone(tx: Transaction, code: str, customer: str | None) -> None:
    """Refuse a code that is active already, whatever its case: for everybody, or for this customer.

    Customers may have the same code, but then nobody else has it (Stripe, "Coupons and promotion codes").
    """
    for other in tx.where("promotion_code", _code=code.upper()):
        if code_is_active(tx, other) and (other["customer"] == customer or None in {other["customer"], customer}):
            raise invalid_request(f"An active promotion code with `code: {code}` already exists.", param="code")


def _restrictions(sent: Document) -> Document:
    if ("minimum_amount" in sent) != ("minimum_amount_currency" in sent):
        raise parameter_missing(
            f"restrictions[minimum_amount{'_currency' if 'minimum_amount' in sent else ''}]",
        )
    restrictions = shapes.restrictions(sent)
    if "minimum_amount_currency" in sent:
        currency = check_currency(sent["minimum_amount_currency"], "restrictions[minimum_amount_currency]")
        restrictions["minimum_amount_currency"] = currency
    return restrictions


def _code(call: Call) -> Document:
    return call.tx.need("promotion_code", call.path["id"], param="promotion_code", status=404)


def retrieve_code(call: Call) -> Document:
    return _code(call)


def update_code(call: Call) -> Document:
    code = _code(call)
    with updating(call.tx, "promotion_code.updated", code):
        if "active" in call.params:
            if call.params["active"] and not code_is_active(call.tx, code):
                _require_alone(call.tx, code["code"], code["customer"])
            code["active"] = call.params["active"]
            if code["active"] and not code_is_active(call.tx, code):
                raise invalid_request("This promotion code cannot be redeemed any more.", param="active")
        if "metadata" in call.params:
            code["metadata"] = merged_metadata(code["metadata"], call.params["metadata"])
    return code


def list_codes(call: Call) -> Page:
    tx, params = call.tx, call.params
    code = params.get("code")
    filters = Filters().equal("_code", code and code.upper()).equal("active", params.get("active"))
    for name, field in (("coupon", "_link"), ("customer", "customer")):
        if name in params:
            filters.equal(field, tx.need(name, params[name], param=name)["id"])
    filters.within("created", params.get("created"))
    return list_documents(tx, "promotion_code", params, filters, "/v1/promotion_codes")


_LIMITS = "first_time_transaction minimum_amount minimum_amount_currency"
ROUTES = (
    Route(
        "POST",
        "/v1/promotion_codes",
        create_code,
        "PromotionCodeCreateParams",
        "active code customer expires_at max_redemptions metadata promotion { coupon type }"
        f" restrictions {{ {_LIMITS} }}",
    ),
    Route(
        "GET",
        "/v1/promotion_codes",
        list_codes,
        "PromotionCodeListParams",
        PAGE + "active code coupon created customer",
    ),
    Route("GET", "/v1/promotion_codes/{id}", retrieve_code, "PromotionCodeRetrieveParams", ""),
    Route("POST", "/v1/promotion_codes/{id}", update_code, "PromotionCodeUpdateParams", "active metadata"),
)
