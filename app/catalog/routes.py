"""Products and prices."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.catalog.schemas import PriceCreate, PriceRead, PriceUpdate, ProductCreate, ProductRead, ProductUpdate
from app.catalog.service import Catalog
from app.db.resources import PRICE, PRODUCT
from app.http.dependencies import WriteDep, creating, service, writing
from app.http.parameters import IdQuery, PriceId, ProductId, ReferenceQuery
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted

CatalogDep = Annotated[Catalog, Depends(service(Catalog))]
products = APIRouter(prefix="/v1/products", tags=["products"], route_class=AuthorizedRoute)
prices = APIRouter(prefix="/v1/prices", tags=["prices"], route_class=AuthorizedRoute)


class ProductsQuery(Paging):
    """Which products are listed."""

    reference: ReferenceQuery = None
    active: bool | None = None


class PricesQuery(Paging):
    """Which prices are listed."""

    product: IdQuery = None
    reference: ReferenceQuery = None
    active: bool | None = None


@products.post("", **creating(ProductRead, "reference_taken"))
async def create_product(body: ProductCreate, catalog: CatalogDep, write: WriteDep) -> Response:
    """Create a product."""
    return await write.run(catalog.create_product, body.params())


@products.get("", **listing(ProductRead, ProductsQuery))
async def list_products(request: Request) -> Response:
    """List products, newest first."""
    return await many(request, PRODUCT, read(request, ProductsQuery))


@products.get("/{product_id}", **reading(ProductRead))
async def get_product(product_id: ProductId, request: Request) -> Response:
    """Read a product."""
    return await one(request, PRODUCT, product_id)


@products.patch("/{product_id}", **writing(ProductRead, "not_found"))
async def update_product(product_id: ProductId, body: ProductUpdate, catalog: CatalogDep, write: WriteDep) -> Response:
    """Change a product; `active: false` archives it."""
    return await write.run(catalog.update_product, body.params(), product_id)


@products.delete("/{product_id}", **writing(Deleted, "not_found", "invalid_state"))
async def delete_product(product_id: ProductId, catalog: CatalogDep, write: WriteDep) -> Response:
    """Delete a product that has no prices."""
    return await write.run(catalog.delete_product, {}, product_id)


@prices.post("", **creating(PriceRead, "reference_taken"))
async def create_price(body: PriceCreate, catalog: CatalogDep, write: WriteDep) -> Response:
    """Create a price; its amount never changes."""
    return await write.run(catalog.create_price, body.params())


@prices.get("", **listing(PriceRead, PricesQuery))
async def list_prices(request: Request) -> Response:
    """List prices, newest first."""
    return await many(request, PRICE, read(request, PricesQuery))


@prices.get("/{price_id}", **reading(PriceRead))
async def get_price(price_id: PriceId, request: Request) -> Response:
    """Read a price."""
    return await one(request, PRICE, price_id)


@prices.patch("/{price_id}", **writing(PriceRead, "not_found"))
async def update_price(price_id: PriceId, body: PriceUpdate, catalog: CatalogDep, write: WriteDep) -> Response:
    """Change a price's nickname, lookup key, metadata, or whether it is active."""
    return await write.run(catalog.update_price, body.params(), price_id)
