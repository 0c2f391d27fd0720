"""The views of customers, products and prices."""

from app.admin.models import Customer, Price, Product
from app.admin.views.mirrored import MirroredView
from app.domain.sources import Personal
from app.stripe.mapping import FIELDS, Kind


class CustomerView(MirroredView, model=Customer):
    """Customers. Only admins see what erasure would remove."""

    kind = Kind.CUSTOMER
    group = "Customers and catalog"
    search = ("id", "email", "reference")
    personal = frozenset(FIELDS[Kind.CUSTOMER].marked(Personal)) - {"default_payment_method"} | {"metadata_"}
    column_list = ["id", "name", "email", "reference", "created_at", "deleted_at"]


class ProductView(MirroredView, model=Product):
    """Products."""

    kind = Kind.PRODUCT
    group = "Customers and catalog"
    search = ("id", "reference")
    column_list = ["id", "name", "active", "reference", "created_at"]


class PriceView(MirroredView, model=Price):
    """Prices."""

    kind = Kind.PRICE
    group = "Customers and catalog"
    search = ("id", "product", "reference")
    column_list = ["id", "product", "unit_amount", "currency", "active", "nickname", "created_at"]
