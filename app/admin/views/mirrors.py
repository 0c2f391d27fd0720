"""Owns the views of what mirrors Stripe's catalog and customers."""

from app.admin.models import Customer, Price, Product
from app.admin.views.table import ReadOnlyView
from app.domain.masking import PERSONAL_OF_A_CUSTOMER

SNAPSHOT = ["snapshot_since", "snapshot_until", "snapshot_digest", "revision"]
"""Which of Stripe's snapshots a row shows: last, since few ask."""


DOCUMENTS = frozenset({"document", "items_document", "document_version", "later_digests"})
"""What the columns say once more; in a customer's, what is personal."""


class CustomerView(ReadOnlyView, model=Customer):
    """Customers. What erasing one takes away, only admins see."""

    group = "Customers and catalog"
    search = ("id", "email", "reference")
    personal = PERSONAL_OF_A_CUSTOMER | {"metadata_"}
    secret = DOCUMENTS
    column_list = ["id", "name", "email", "reference", "created_at", "deleted_at"]


class ProductView(ReadOnlyView, model=Product):
    """Products."""

    group = "Customers and catalog"
    search = ("id", "reference")
    secret = DOCUMENTS
    column_list = ["id", "name", "active", "reference", "created_at"]


class PriceView(ReadOnlyView, model=Price):
    """Prices."""

    group = "Customers and catalog"
    search = ("id", "product", "reference")
    secret = DOCUMENTS
    column_list = ["id", "product", "unit_amount", "currency", "active", "nickname", "created_at"]
