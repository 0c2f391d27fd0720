"""`/v1/products`: what is sold. A product with prices cannot be deleted."""

from offline_stripe.billing.tax_codes import checked_tax_code
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.resources.fields import apply_fields, deleted
from offline_stripe.resources.prices import make_price
from offline_stripe.shapes import catalog as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.search import search_documents
from offline_stripe.store.transaction import merged_metadata
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

MOST_IMAGES = 8
_FIELDS = (
    "active", "description", "images", "marketing_features", "name", "package_dimensions", "shippable",
    "statement_descriptor", "tax_code", "tax_details", "type", "unit_label", "url",
)  # fmt: skip


def create_product(call: Call) -> Document:
    tx, params = call.tx, call.params
    identifier = params.get("id") or tx.new_id("prod")
    if tx.find(identifier) is not None:
        raise invalid_request("Product already exists.", code="resource_already_exists", param="id")
    product = shapes.product(id=identifier, created=tx.now, updated=tx.now)
    product["metadata"] = merged_metadata({}, params.get("metadata", {}))
    _apply(product, params)
    tx.add(product)
    if "default_price_data" in params:
        sent = {**params["default_price_data"], "product": identifier}
        product["default_price"] = make_price(tx, sent)["id"]
    announce(tx, "product.created", product)
    return product


def _apply(product: Document, params: Document) -> None:
    if len(params.get("images") or []) > MOST_IMAGES:
        raise invalid_request(f"You may only have up to {MOST_IMAGES} images.", param="images")
    checked_tax_code(params.get("tax_code"))
    apply_fields(product, params, _FIELDS)
    for name in ("images", "marketing_features"):
        product[name] = product[name] or []


def _product(call: Call, param: str = "id") -> Document:
    return call.tx.need("product", call.path["id"], param=param, status=404)


def retrieve_product(call: Call) -> Document:
    return _product(call)


def update_product(call: Call) -> Document:
    product = _product(call)
    with updating(call.tx, "product.updated", product):
        _apply(product, call.params)
        if "metadata" in call.params:
            product["metadata"] = merged_metadata(product["metadata"], call.params["metadata"])
        if "default_price" in call.params:
            if call.params["default_price"]:
                call.tx.need("price", call.params["default_price"], param="default_price")
            apply_fields(product, call.params, ("default_price",))
    return product


def list_products(call: Call) -> Page:
    params = call.params
    filters = Filters().equal("active", params.get("active")).equal("shippable", params.get("shippable"))
    filters.equal("url", params.get("url")).equal("type", params.get("type")).one_of("id", params.get("ids"))
    filters.within("created", params.get("created"))
    return list_documents(call.tx, "product", params, filters, "/v1/products")


def search_products(call: Call) -> Page:
    return search_documents(call.tx, "product", call.params, "/v1/products/search")


def delete_product(call: Call) -> Document:
    product = _product(call)
    prices = list_documents(call.tx, "price", {"limit": 1}, Filters().equal("product", product["id"]), "")
    if prices.items:
        raise invalid_request("This product cannot be deleted because it has one or more user-created prices.")
    announce(call.tx, "product.deleted", product)
    call.tx.remove(product)
    return deleted(product)


_PRODUCT = (
    "active description images marketing_features metadata name package_dimensions shippable statement_descriptor"
    " tax_code unit_label url"
)
_PRICE = "currency currency_options custom_unit_amount metadata recurring tax_behavior unit_amount unit_amount_decimal"
ROUTES = (
    Route(
        "POST",
        "/v1/products",
        create_product,
        "ProductCreateParams",
        takes=f"{_PRODUCT} default_price_data{{{_PRICE}}} id type",
    ),
    Route(
        "GET", "/v1/products", list_products, "ProductListParams", takes=f"{PAGE} active created ids shippable type url"
    ),
    Route("GET", "/v1/products/search", search_products, "ProductSearchParams", takes="limit page query"),
    Route("GET", "/v1/products/{id}", retrieve_product, "ProductRetrieveParams", takes=""),
    Route("POST", "/v1/products/{id}", update_product, "ProductUpdateParams", takes=f"{_PRODUCT} default_price"),
    Route("DELETE", "/v1/products/{id}", delete_product, "ProductDeleteParams", takes=""),
)
