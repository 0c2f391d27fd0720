"""Which products and prices are listed."""

from app.http.parameters import IdWanted, ReferenceWanted
from app.http.queries import Paging


class ProductsWanted(Paging):
    """Which products are listed."""

    reference: ReferenceWanted = None
    active: bool | None = None


class PricesWanted(Paging):
    """Which prices are listed."""

    product: IdWanted = None
    reference: ReferenceWanted = None
    active: bool | None = None
