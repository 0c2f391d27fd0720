"""`/v1/prices`: what a unit of a product costs. An amount never changes, and a price cannot be deleted."""

from decimal import Decimal

from offline_stripe.billing.currencies import check_amount, check_currency
from offline_stripe.billing.pricing import one_off_product, plain, whole
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.resources.fields import apply_fields, require_known
from offline_stripe.shapes import catalog as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.search import search_documents
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import StripeError, invalid_request, parameter_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_AMOUNTS = ("unit_amount", "unit_amount_decimal", "custom_unit_amount")


def create_price(call: Call) -> Document:
    return make_price(call.tx, call.params)


def make_price(tx: Transaction, params: Document) -> Document:
    currency = check_currency(params["currency"])
    recurring = _recurring(params.get("recurring"))
    price = shapes.price(
        id=tx.new_id("price"),
        created=tx.now,
        currency=currency,
        recurring=recurring,
        type="recurring" if recurring else "one_time",
        billing_scheme=params.get("billing_scheme", "per_unit"),
        metadata=merged_metadata({}, params.get("metadata", {})),
    )
    apply_fields(price, params, ("active", "nickname", "tax_behavior", "tiers_mode", "transform_quantity"))
    _apply_amount(price, params, currency)
    price["_currency_options"] = {}
    _apply_options(price, params)
    price["product"] = _product_for(tx, params)
    _take_lookup_key(tx, price, params)
    tx.add(price)
    announce(tx, "price.created", price)
    return price


def _apply_options(price: Document, params: Document) -> None:
    """What the price is in other currencies; an empty string removes one."""
    for currency, sent in (params.get("currency_options") or {}).items():
        check_currency(currency, "currency_options")
        option = dict.fromkeys(("custom_unit_amount", "unit_amount", "unit_amount_decimal"))
        priced = {"billing_scheme": price["billing_scheme"], **option}
        tiered = {"tiers_mode": price["tiers_mode"]} if price["tiers_mode"] else {}
        _apply_amount(priced, {**sent, **tiered}, currency)
        tiers = {"tiers": priced["_tiers"]} if "_tiers" in priced else {}
        amounts = {name: priced[name] for name in option}
        price["_currency_options"][currency] = {
            **amounts,
            **tiers,
            "tax_behavior": sent.get("tax_behavior", "unspecified"),
        }


def _product_for(tx: Transaction, params: Document) -> str:
    if "product" in params and "product_data" in params:
        raise invalid_request("You may only specify one of these parameters: product, product_data.")
    if "product" in params:
        return str(tx.need("product", params["product"], param="product")["id"])
    if "product_data" not in params:
        raise parameter_missing("product")
    if tx.find(params["product_data"].get("id", "")) is not None:
        raise invalid_request("Product already exists.", code="resource_already_exists", param="product_data[id]")
    product = one_off_product(tx, params["product_data"])
    product["active"] = params["product_data"].get("active", True)
    announce(tx, "product.created", product)
    return str(product["id"])


def _recurring(sent: Document | None) -> Document | None:
    if not sent:
        return None
    return {
        "interval": sent["interval"],
        "interval_count": sent.get("interval_count", 1),
        "meter": sent.get("meter"),
        "trial_period_days": sent.get("trial_period_days"),
        "usage_type": sent.get("usage_type", "licensed"),
    }


def _apply_amount(price: Document, params: Document, currency: str) -> None:
    if price["billing_scheme"] == "tiered":
        if "tiers" not in params or "tiers_mode" not in params:
            raise parameter_missing("tiers" if "tiers" not in params else "tiers_mode")
        price["_tiers"] = [_tier(tier) for tier in params["tiers"]]
        return
    named = [name for name in _AMOUNTS if name in params]
    if len(named) > 1:
        raise invalid_request(f"You may only specify one of these parameters: {', '.join(named)}.", param=named[1])
    if not named:
        raise StripeError(
            "You must specify either `unit_amount` or `unit_amount_decimal` when `billing_scheme=per_unit`.",
            code="parameter_missing",
            param="unit_amount",
        )
    if named == ["custom_unit_amount"]:
        sent = params["custom_unit_amount"]
        price["custom_unit_amount"] = {name: sent.get(name) for name in ("maximum", "minimum", "preset")}
        return
    unit = Decimal(params[named[0]])
    if unit < 0:
        raise invalid_request(
            "This value must be greater than or equal to 0.", code="parameter_invalid_integer", param=named[0]
        )
    price |= {"unit_amount": whole(unit), "unit_amount_decimal": plain(unit)}
    if price["unit_amount"] is not None:
        check_amount(price["unit_amount"], currency, named[0])


def _tier(sent: Document) -> Document:
    unit = Decimal(str(sent.get("unit_amount", sent.get("unit_amount_decimal", 0))))
    flat = Decimal(str(sent.get("flat_amount", sent.get("flat_amount_decimal", 0))))
    has_flat = "flat_amount" in sent or "flat_amount_decimal" in sent
    return {
        "flat_amount": whole(flat) if has_flat else None,
        "flat_amount_decimal": plain(flat) if has_flat else None,
        "unit_amount": whole(unit),
        "unit_amount_decimal": plain(unit),
        "up_to": None if sent["up_to"] == "inf" else sent["up_to"],
    }


def _take_lookup_key(tx: Transaction, price: Document, params: Document) -> None:
    key = params.get("lookup_key")
    if key is None:
        return
    holders = tx.where("price", lookup_key=key) if key else []
    for holder in holders:
        if holder["id"] == price["id"]:
            continue
        if not params.get("transfer_lookup_key"):
            raise invalid_request(f"A price (`{holder['id']}`) already uses that lookup key.", param="lookup_key")
        with updating(tx, "price.updated", holder):
            holder["lookup_key"] = None
    price["lookup_key"] = key or None


def _price(call: Call) -> Document:
    return call.tx.need("price", call.path["id"], param="price", status=404)


def retrieve_price(call: Call) -> Document:
    return _price(call)


def update_price(call: Call) -> Document:
    price = _price(call)
    _check_change(call, price)
    with updating(call.tx, "price.updated", price):
        apply_fields(price, call.params, ("active", "nickname", "tax_behavior"))
        _take_lookup_key(call.tx, price, call.params)
        _apply_options(price, call.params)
        if "metadata" in call.params:
            price["metadata"] = merged_metadata(price["metadata"], call.params["metadata"])
    return price


def _check_change(call: Call, price: Document) -> None:
    """Refuse what never changes, in Stripe's words where public reports show them."""
    params, product = call.params, call.tx.get("product", price["product"])
    if params.get("active") is False and product and product["default_price"] == price["id"]:
        raise invalid_request("This price cannot be archived because it is the default price of its product.")
    if "tax_behavior" in params and price["tax_behavior"] not in {"unspecified", params["tax_behavior"]}:
        raise invalid_request(
            "Once specified as either `inclusive` or `exclusive`, `tax_behavior` cannot be changed.",
            param="tax_behavior",
        )
    if price["currency"] in (params.get("currency_options") or {}):
        raise invalid_request(
            "You are specifying an update to a currency option that matches the top-level currency for this price."
            " Please remove this currency option and update the top-level params instead.",
            param=f"currency_options[{price['currency']}]",
        )


def list_prices(call: Call) -> Page:
    require_known(call.tx, call.params, "product")
    params = call.params
    filters = Filters().equal("active", params.get("active")).equal("product", params.get("product"))
    filters.equal("currency", params.get("currency")).equal("type", params.get("type"))
    for name, value in params.get("recurring", {}).items():
        filters.equal(f"recurring.{name}", value)
    filters.one_of("lookup_key", params.get("lookup_keys")).within("created", params.get("created"))
    return list_documents(call.tx, "price", params, filters, "/v1/prices")


def search_prices(call: Call) -> Page:
    return search_documents(call.tx, "price", call.params, "/v1/prices/search")


_PRICE = (
    "active billing_scheme currency currency_options custom_unit_amount lookup_key metadata nickname product"
    " product_data{active id metadata name statement_descriptor tax_code unit_label}"
    " recurring{interval interval_count trial_period_days usage_type} tax_behavior tiers tiers_mode transfer_lookup_key"
    " transform_quantity unit_amount unit_amount_decimal"
)
ROUTES = (
    Route("POST", "/v1/prices", create_price, "PriceCreateParams", takes=_PRICE),
    Route(
        "GET",
        "/v1/prices",
        list_prices,
        "PriceListParams",
        takes=f"{PAGE} active created currency lookup_keys product recurring{{interval usage_type}} type",
    ),
    Route("GET", "/v1/prices/search", search_prices, "PriceSearchParams", takes="limit page query"),
    Route("GET", "/v1/prices/{id}", retrieve_price, "PriceRetrieveParams", takes=""),
    Route(
        "POST",
        "/v1/prices/{id}",
        update_price,
        "PriceUpdateParams",
        takes="active currency_options lookup_key metadata nickname tax_behavior transfer_lookup_key",
    ),
)
