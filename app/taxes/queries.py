"""Which tax rates and tax ids are listed."""

from app.http.parameters import ReferenceQuery
from app.http.queries import Paging


class TaxRatesQuery(Paging):
    """Which tax rates are listed."""

    active: bool | None = None
    inclusive: bool | None = None
    reference: ReferenceQuery = None


class TaxIdsQuery(Paging):
    """Which page of a customer's tax ids is listed."""
