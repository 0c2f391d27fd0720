"""Which customers are listed."""

from app.http.parameters import EmailWanted, ReferenceWanted
from app.http.queries import Paging


class CustomersWanted(Paging):
    """Which customers are listed."""

    email: EmailWanted = None
    reference: ReferenceWanted = None
