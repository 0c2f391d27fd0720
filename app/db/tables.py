"""Owns which columns the tables have that are read and written as whole rows.

The models say the same, and a test holds the two together: SQLAlchemy takes a third of a second and 20 MB to load, so
the service itself does without it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table with all its columns, and the one that is its primary key."""

    name: str
    columns: tuple[str, ...]
    key: str = "id"


def _table(name: str, columns: str, *, key: str = "id") -> Table:
    return Table(name, tuple(columns.split()), key)


_MIRRORED = """
id livemode created_at updated_at deleted_at snapshot_since snapshot_until snapshot_digest revision document
document_version later_digests
"""

PRODUCTS = _table("products", f"{_MIRRORED} name description active metadata reference")
PRICES = _table(
    "prices",
    f"""{_MIRRORED}
    product active type currency unit_amount unit_amount_decimal nickname lookup_key metadata reference
    """,
)
CUSTOMERS = _table(
    "customers",
    f"""{_MIRRORED}
    name email description phone address default_payment_method custom_fields footer metadata reference
    """,
)
INVOICES = _table(
    "invoices",
    f"""{_MIRRORED}
    number status customer reference collection_method auto_advance currency subtotal total amount_due
    amount_paid amount_remaining due_at description footer custom_fields metadata payment_intent
    paid_out_of_band lines_digest account_name hosted_invoice_url invoice_pdf finalized_at paid_at voided_at
    marked_uncollectible_at items_document
    """,
)
INVOICE_ITEMS = _table(
    "invoice_items",
    """
    line_item id invoice position price product quantity unit_amount_decimal amount currency description
    metadata
    """,
    key="line_item",
)
INVOICE_PAYMENTS = _table("invoice_payments", "payment_intent id invoice is_default", key="payment_intent")
FULFILLMENTS = _table(
    "fulfillments",
    """
    id invoice customer status amount_paid currency payment_intent paid_out_of_band attempts failure_code
    failure_decline_code failure_message failure_at attempt attempt_at fulfilled_at created_at updated_at
    """,
)
