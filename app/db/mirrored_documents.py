"""The SQL of mirrored documents: as rows hold them, and made from columns where a row holds none yet.

The row is called `row`. A later release drops the columns that only documents show, and the SQL made from them.
"""

import msgspec

from app.db.schema.fulfillments import EFFECTIVE
from app.stripe.fields import Fields
from app.stripe.mapping import FIELDS, ITEM, VERSIONS, Kind


def at(column: str) -> str:
    """A time as RFC 3339 in UTC."""
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


def times(*columns: str) -> str:
    return ", ".join(f"{at(column)} AS {column.rpartition('.')[2]}" for column in columns)


def shown(columns: str, fields: Fields) -> str:
    """The columns, plus the later fields with their empty values, which no column holds."""
    return ", ".join([columns, *(f"{_literal(value)} AS {name}" for name, value in fields.later.items())])


def _literal(value: object) -> str:
    return "NULL" if value is None else f"'{msgspec.json.encode(value).decode()}'::json"


PRODUCT = f"id, name, description, active, metadata, reference, livemode, {times('created_at', 'updated_at')}"
PRICE = (
    "id, product, active, currency, unit_amount, unit_amount_decimal, nickname, lookup_key, metadata, reference, "
    f"livemode, {times('created_at', 'updated_at')}"
)
CUSTOMER = (
    "id, name, email, description, phone, address, metadata, reference, "
    "json_build_object('default_payment_method', default_payment_method, 'custom_fields', custom_fields, "
    f"'footer', footer) AS invoice_settings, livemode, {times('created_at', 'updated_at')}"
)
_ITEM = (
    "item.id, item.line_item, item.price, item.product, item.quantity, item.unit_amount_decimal, item.amount, "
    "item.currency, item.description, item.metadata"
)
FULFILLMENT = (
    f"(SELECT json_build_object('status', {EFFECTIVE}, 'fulfilled_at', {at('fulfilled_at')}) FROM fulfillments "  # noqa: S608
    "WHERE invoice = row.id) AS fulfillment"
)
INVOICE = (
    "row.id, row.number, row.status, row.customer, row.reference, row.collection_method, row.auto_advance, "
    "row.currency, row.subtotal, row.total, row.amount_due, row.amount_paid, row.amount_remaining, "
    f"{times('row.due_at')}, row.description, row.footer, row.custom_fields, row.metadata, row.payment_intent, "
    "row.hosted_invoice_url, row.invoice_pdf, row.livemode, "
    + times(
        "row.created_at",
        "row.finalized_at",
        "row.paid_at",
        "row.voided_at",
        "row.marked_uncollectible_at",
        "row.updated_at",
    )
)
ITEMS = (
    f"coalesce((SELECT json_agg(listed) FROM (SELECT {shown(_ITEM, ITEM)} FROM invoice_items item "  # noqa: S608
    "WHERE item.invoice = row.id ORDER BY item.position) listed), '[]')"
)


def stored(kind: Kind, **beside: str) -> str:
    """The document that a row holds as text; null where it holds none.

    `beside` maps names to JSON that is added to it. Later fields that an older document lacks are added with empty
    values.
    """
    more = "".join(f" || ',\"{name}\":' || {text}" for name, text in beside.items())
    for version in range(2, VERSIONS[kind] + 1):
        later = FIELDS[kind].lacking(version)
        lacking = {name: value for name, value in FIELDS[kind].lacking(version - 1).items() if name not in later}
        if lacking:
            text = msgspec.json.encode(lacking).decode()[1:-1]
            more += f" || CASE WHEN row.document_version < {version} THEN ',{text}' ELSE '' END"
    return f"left(row.document, -1){more} || '}}'" if more else "row.document"


def stored_items() -> str:
    """The items that a row holds, as text, with empty values for the fields that older items lack."""
    if not ITEM.later:
        return "row.items_document"
    empty = msgspec.json.encode(ITEM.later).decode()
    return (
        f"CASE WHEN row.document_version >= {VERSIONS[Kind.INVOICE]} THEN row.items_document ELSE (SELECT "  # noqa: S608
        f"coalesce(jsonb_agg('{empty}'::jsonb || item ORDER BY position), '[]')::text "
        "FROM jsonb_array_elements(row.items_document::jsonb) WITH ORDINALITY AS listed (item, position)) END"
    )


JOINED_FULFILLMENT = (
    'coalesce(\'{"status":"\' || coalesce(fulfillment.later_status, fulfillment.status) || \'","fulfilled_at":\' || '
    f"coalesce('\"' || {at('fulfillment.fulfilled_at')} || '\"', 'null') || '}}', 'null')"
)
JOIN_FULFILLMENT = "LEFT JOIN fulfillments fulfillment ON fulfillment.invoice = row.id"


def as_json(expression: str) -> str:
    return f"coalesce(to_json({expression})::text, 'null')"
