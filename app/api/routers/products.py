"""Products and prices."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.api.deps import PageDep, WriteDep
from app.api.errors import WRITE, answers
from app.api.parameters import IdQuery, PriceId, ProductId, ReferenceQuery
from app.api.reading import many, one
from app.api.schemas.products import PriceCreate, PriceRead, PriceUpdate, ProductCreate, ProductRead, ProductUpdate
from app.api.schemas.shared import Deleted, Page
from app.db.documents import PRICE, PRODUCT

products = APIRouter(prefix="/v1/products", tags=["products"])
prices = APIRouter(prefix="/v1/prices", tags=["prices"])


@products.post("", status_code=201, response_model=ProductRead, responses=answers("reference_taken", *WRITE))
async def create_product(body: ProductCreate, write: WriteDep) -> Response:
    """Create a product."""
    return await write.run(write.parts.catalog.create_product, body.params())


@products.get("", response_model=Page[ProductRead], responses=answers(conditional=True))
async def list_products(
    request: Request,
    page: PageDep,
    reference: ReferenceQuery = None,
    active: Annotated[bool | None, Query()] = None,
) -> Response:
    """List products, newest first."""
    return await many(request, PRODUCT, page, reference=reference, active=active)


@products.get("/{product_id}", response_model=ProductRead, responses=answers("not_found", conditional=True))
async def get_product(product_id: ProductId, request: Request) -> Response:
    """Read a product."""
    return await one(request, PRODUCT, product_id)


@products.patch("/{product_id}", response_model=ProductRead, responses=answers("not_found", *WRITE))
async def update_product(product_id: ProductId, body: ProductUpdate, write: WriteDep) -> Response:
    """Change a product; `active: false` archives it."""
    return await write.run(write.parts.catalog.update_product, body.params(), product_id)


@products.delete("/{product_id}", response_model=Deleted, responses=answers("not_found", "invalid_state", *WRITE))
async def delete_product(product_id: ProductId, write: WriteDep) -> Response:
    """Delete a product that has no prices."""
    return await write.run(write.parts.catalog.delete_product, {}, product_id)


@prices.post("", status_code=201, response_model=PriceRead, responses=answers("reference_taken", *WRITE))
async def create_price(body: PriceCreate, write: WriteDep) -> Response:
    """Create a price; its amount never changes."""
    return await write.run(write.parts.catalog.create_price, body.params())


@prices.get("", response_model=Page[PriceRead], responses=answers(conditional=True))
async def list_prices(
    request: Request,
    page: PageDep,
    product: IdQuery = None,
    reference: ReferenceQuery = None,
    active: Annotated[bool | None, Query()] = None,
) -> Response:
    """List prices, newest first."""
    return await many(request, PRICE, page, product=product, reference=reference, active=active)


@prices.get("/{price_id}", response_model=PriceRead, responses=answers("not_found", conditional=True))
async def get_price(price_id: PriceId, request: Request) -> Response:
    """Read a price."""
    return await one(request, PRICE, price_id)


@prices.patch("/{price_id}", response_model=PriceRead, responses=answers("not_found", *WRITE))
async def update_price(price_id: PriceId, body: PriceUpdate, write: WriteDep) -> Response:
    """Change a price's nickname, lookup key, metadata, or whether it is active."""
    return await write.run(write.parts.catalog.update_price, body.params(), price_id)
