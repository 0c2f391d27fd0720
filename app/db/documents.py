"""Owns how rows are shown: one JSON document per resource, built by PostgreSQL, and lists of them, newest first.

The documents are what the API answers; the schemas in app/api/schemas describe them and a test holds the two together.
Lists are keyset-paged over (time, id), so that a page costs the same wherever it stands.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

import msgspec

from app.access.key_statements import SCOPES
from app.db.engine import Connection
from app.domain.errors import ValidationFailed


def _at(column: str) -> str:
    """A time as RFC 3339 in UTC."""
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


def _times(*columns: str) -> str:
    return ", ".join(f"{_at(column)} AS {column.rpartition('.')[2]}" for column in columns)


_PRODUCT = f"id, name, description, active, metadata, reference, livemode, {_times('created_at', 'updated_at')}"
_PRICE = (
    "id, product, active, currency, unit_amount, unit_amount_decimal, nickname, lookup_key, metadata, reference, "
    f"livemode, {_times('created_at', 'updated_at')}"
)
_CUSTOMER = (
    "id, name, email, description, phone, address, metadata, reference, "
    "json_build_object('default_payment_method', default_payment_method, 'custom_fields', custom_fields, "
    f"'footer', footer) AS invoice_settings, livemode, {_times('created_at', 'updated_at')}"
)
_ITEM = (
    "item.id, item.line_item, item.price, item.product, item.quantity, item.unit_amount_decimal, item.amount, "
    "item.currency, item.description, item.metadata"
)
_INVOICE_FULFILLMENT = (
    f"(SELECT json_build_object('status', status, 'fulfilled_at', {_at('fulfilled_at')}) FROM fulfillments "  # noqa: S608
    "WHERE invoice = row.id) AS fulfillment"
)
_INVOICE = (
    "row.id, row.number, row.status, row.customer, row.reference, row.collection_method, row.auto_advance, "
    "row.currency, row.subtotal, row.total, row.amount_due, row.amount_paid, row.amount_remaining, "
    f"{_times('row.due_at')}, row.description, row.footer, row.custom_fields, row.metadata, row.payment_intent, "
    f"row.hosted_invoice_url, row.invoice_pdf, {_INVOICE_FULFILLMENT}, row.livemode, "
    + _times(
        "row.created_at",
        "row.finalized_at",
        "row.paid_at",
        "row.voided_at",
        "row.marked_uncollectible_at",
        "row.updated_at",
    )
)
_INVOICE_ITEMS = (
    f"coalesce((SELECT json_agg(listed) FROM (SELECT {_ITEM} FROM invoice_items item "  # noqa: S608
    "WHERE item.invoice = row.id ORDER BY item.position) listed), '[]') AS items"
)
_FULFILLMENT = (
    "id, invoice, customer, status, amount_paid, currency, payment_intent, paid_out_of_band, attempts, "
    "CASE WHEN failure_code IS NULL AND failure_message IS NULL THEN NULL ELSE json_build_object('code', failure_code, "
    "'decline_code', failure_decline_code, 'message', failure_message) END AS failure, "
    f"{_times('fulfilled_at', 'created_at', 'updated_at')}"
)
_EVENT = (
    "id, type, object_id AS object, api_version, livemode, status, attempts, last_error, verified_by, source, "
    f"request_id, {_times('created_at', 'received_at', 'next_attempt_at', 'processed_at')}"
)
_FULFILLMENT_ACTION = (
    "id, fulfillment, invoice, action, moment, status, attempts, reason, "
    f"{_times('created_at', 'next_attempt_at', 'finished_at')}"
)
_API_KEY = (
    f"id, name, prefix, {SCOPES} AS scopes, livemode, caller, CASE WHEN revoked_at IS NOT NULL THEN 'revoked' "
    "WHEN expires_at <= now() THEN 'expired' ELSE 'active' END AS status, replaced_by, "
    f"{_times('created_at', 'expires_at', 'last_used_at', 'revoked_at')}"
)
_WEBHOOK_ENDPOINT = (
    "id, url, description, types, ordered, status, disabled_reason, "  # noqa: S608
    "(SELECT coalesce(json_agg(json_build_object('created_at', secret ->> 'created_at', 'expires_at', "
    "secret ->> 'expires_at') ORDER BY nth), '[]') FROM jsonb_array_elements(secrets) WITH ORDINALITY listed (secret, nth) "
    "WHERE coalesce((secret ->> 'expires_at')::timestamptz > now(), true)) AS secrets, "
    + _times("disabled_at", "failing_since", "created_at", "updated_at")
)
_DELIVERY = (
    "id, endpoint, event, type, invoice, status, attempts, log -> -1 -> 'status' AS last_status, "
    "log -> -1 -> 'error' AS last_error, log, " + _times("next_attempt_at", "created_at", "delivered_at")
)
_OPERATION = (
    "id, name, subject, caller, idempotency_key, request_id, takeovers, nullif(answer_status, 0) AS answer_status, "
    "CASE WHEN answered_at IS NULL THEN 'in flight' WHEN answer_status = 0 THEN 'refused' ELSE 'done' END AS status, "
    f"last_error, {_times('created_at', 'locked_until', 'answered_at')}"
)
_AUDIT_ENTRY = f"id, {_times('at')}, actor, action, subject, detail, outcome, request_id, operation"


MOST_STATEMENTS = 500
"""How many texts of statements are kept; what callers choose decides how many there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """How one resource is shown. `shown` in lists, `single` when read alone; `order` is the time it is listed by.

    `key` finds a row by index: the primary key.
    """

    name: str
    table: str
    shown: str
    single: str = ""
    order: str = "created_at"
    hides_deleted: bool = True
    key: tuple[str, ...] = ("id",)

    def document(self, where: str) -> str:
        """The statement that answers the one document matching `where`."""
        hidden = " AND deleted_at IS NULL" if self.hides_deleted else ""
        columns = self.single or self.shown
        return f"SELECT row_to_json(d) FROM (SELECT {columns} FROM {self.table} row WHERE {where}{hidden}) d"  # noqa: S608

    def documents(self, where: str) -> str:
        """The statement that answers the ids and documents of all that match `where`."""
        return self.document(where).replace("SELECT row_to_json(d)", "SELECT d.id, row_to_json(d)::text", 1)


PRODUCT = Resource("product", "products", _PRODUCT)
PRICE = Resource("price", "prices", _PRICE)
CUSTOMER = Resource("customer", "customers", _CUSTOMER)
INVOICE = Resource("invoice", "invoices", _INVOICE, single=f"{_INVOICE}, {_INVOICE_ITEMS}")
PAYMENT_PAGE = Resource(
    "invoice",
    "invoices",
    f"{_INVOICE}, {_INVOICE_ITEMS}, row.account_name, "  # noqa: S608
    "(SELECT customer.name FROM customers customer WHERE customer.id = row.customer) AS customer_name",
)
PAYMENT_STATUS = Resource(
    "invoice",
    "invoices",
    "row.status, row.payment_intent, (SELECT json_build_object('status', fulfillment.status, 'failure', "
    "fulfillment.failure_message) FROM fulfillments fulfillment WHERE fulfillment.invoice = row.id) AS fulfillment",
)
FULFILLMENT = Resource("fulfillment", "fulfillments", _FULFILLMENT, hides_deleted=False)
EVENT = Resource(
    "webhook event",
    "webhook_events",
    _EVENT,
    single=f"{_EVENT}, payload::json AS payload",
    order="received_at",
    hides_deleted=False,
    key=("id", "created_at"),
)
FULFILLMENT_ACTION = Resource("fulfillment action", "fulfillment_actions", _FULFILLMENT_ACTION, hides_deleted=False)
API_KEY = Resource("API key", "api_keys", _API_KEY, hides_deleted=False)
WEBHOOK_ENDPOINT = Resource("webhook endpoint", "webhook_endpoints", _WEBHOOK_ENDPOINT)
DELIVERY = Resource("delivery", "deliveries", _DELIVERY, hides_deleted=False)
OPERATION = Resource("operation", "operations", _OPERATION, hides_deleted=False)
AUDIT_ENTRY = Resource("audit entry", "audit_log", _AUDIT_ENTRY, order="at", hides_deleted=False)


OVERDUE = "row.status = 'open' AND row.due_at < now()"
"""The condition that an invoice is overdue; written so that both its state and its date may be found by index."""


@dataclass(slots=True)
class Filter:
    """Conditions a list must meet, as SQL over the row with positional arguments."""

    conditions: list[str] = field(default_factory=list)
    arguments: list[object] = field(default_factory=list)

    def add(self, condition: str, argument: object) -> None:
        """Require `condition`, in which {} stands for `argument`; without an argument nothing is required."""
        if argument is not None:
            self.arguments.append(argument)
            self.conditions.append(condition.format(f"${len(self.arguments)}"))


async def read(connection: Connection, resource: Resource, object_id: str, *, by: str = "id") -> str | None:
    """The document of one object, as JSON text, or None."""
    found: str | None = await connection.fetchval(_one(resource, by), object_id)
    return found


async def read_all(connection: Connection, resource: Resource, ids: Sequence[str]) -> dict[str, str]:
    """The documents of several objects, as `read` reads them, by id; those that are not there are absent."""
    rows = await connection.fetch(resource.documents("id = ANY($1::text[])"), ids)
    return {row[0]: row[1] for row in rows}


async def page(connection: Connection, resource: Resource, wanted: Filter, *, limit: int, cursor: str | None) -> bytes:
    """A page of documents as the API answers it: data, has_more, next_cursor. Raises ValidationFailed for a bad cursor."""
    if cursor:
        at, object_id = _read_cursor(cursor)
        wanted.arguments += [at, object_id]
        last = len(wanted.arguments)
        wanted.conditions.append(f"(row.{resource.order}, row.id) < (${last - 1}, ${last})")
    if resource.hides_deleted:
        wanted.conditions.append("row.deleted_at IS NULL")
    [found] = await connection.fetch(_page(resource, tuple(wanted.conditions), limit), *wanted.arguments)
    next_cursor = _write_cursor(found["at"], found["id"]) if found["more"] else None
    tail = msgspec.json.encode({"has_more": found["more"], "next_cursor": next_cursor}).decode()
    return f'{{"data":[{found["data"]}],{tail[1:]}'.encode()


@lru_cache(MOST_STATEMENTS)
def _one(resource: Resource, by: str) -> str:
    return resource.document(f"{by} = $1")


@lru_cache(MOST_STATEMENTS)
def _page(resource: Resource, conditions: Sequence[str], limit: int) -> str:
    """The statement of a page, which answers in one row: its documents, whether there are more, and where they go on.

    It is kept: kilobytes that would be put together, and hashed by asyncpg, at each request.
    """
    same = " AND ".join(f"row.{column} = shown.{column}" for column in resource.key)
    return (
        f"WITH keys AS (SELECT {resource.order} AS at, {', '.join(resource.key)} FROM {resource.table} row "  # noqa: S608
        f"WHERE {' AND '.join(conditions) or 'true'} ORDER BY {resource.order} DESC, id DESC LIMIT {limit + 1}), "
        f"shown AS (SELECT * FROM keys ORDER BY at DESC, id DESC LIMIT {limit}) "
        "SELECT coalesce(string_agg(listed.document, ','), '') AS data, "
        f"(SELECT count(*) FROM keys) > {limit} AS more, (SELECT at FROM shown ORDER BY at, id LIMIT 1) AS at, "
        "(SELECT id FROM shown ORDER BY at, id LIMIT 1) AS id "
        "FROM (SELECT each.document FROM shown CROSS JOIN LATERAL (SELECT row_to_json(d)::text AS document "
        f"FROM (SELECT {resource.shown} FROM {resource.table} row WHERE {same}) d) each "
        "ORDER BY shown.at DESC, shown.id DESC) listed"
    )


_cursor = msgspec.json.Decoder(
    tuple[Annotated[datetime, msgspec.Meta(tz=True)], Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}$")]]
)


def _write_cursor(at: datetime, object_id: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([at, object_id])).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        at, object_id = _cursor.decode(decoded)
        return at.astimezone(UTC), object_id
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError):
        raise ValidationFailed("cursor is not one that a list of this resource answered.", param="cursor") from None
