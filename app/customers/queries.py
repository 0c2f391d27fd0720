"""Which customers are listed."""

from app.http.parameters import EmailQuery, ReferenceQuery
from app.http.queries import Paging


class CustomersQuery(Paging):
    """Which customers are listed."""

    email: EmailQuery = None
    reference: ReferenceQuery = None
