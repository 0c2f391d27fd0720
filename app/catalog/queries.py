"""Which products and prices are listed."""

from app.http.parameters import IdQuery, ReferenceQuery
from app.http.queries import Paging


class ProductsQuery(Paging):
    """Which products are listed."""

    reference: ReferenceQuery = None
    active: bool | None = None


class PricesQuery(Paging):
    """Which prices are listed."""

    product: IdQuery = None
    reference: ReferenceQuery = None
    active: bool | None = None
