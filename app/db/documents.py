"""Reads rows as the JSON documents that the API answers, one by one or in lists, newest first.

A mirrored row holds its document, which the unit of work makes by the resource's schema. Where a row does not hold one
yet, and for all other resources, PostgreSQL makes it from the columns. Lists are keyset-paged, so all pages cost the
same. They are ordered by time, and mirrored rows of one second by their `sequence`: Stripe's times are whole seconds.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from app.db import mirrored_documents as mirrored
from app.db.engine import Connection
from app.db.mirrored_documents import times
from app.db.schema.fulfillments import EFFECTIVE
from app.domain.errors import ValidationFailed
from app.stripe.mapping import FIELDS, Kind

_FULFILLMENT = (
    f"id, invoice, customer, {EFFECTIVE} AS status, amount_paid, amount_refunded, amount_credited, amount_disputed, "
    "amount_paid - amount_refunded - amount_credited - amount_disputed AS amount_kept, "
    "currency, payment_intent, paid_out_of_band, attempts, "
    "CASE WHEN later_status = 'action_required' THEN required_action END AS required_action, "
    f"CASE WHEN attempt = 'payment_failed' AND {EFFECTIVE} IN ('payment_failed', 'reversed', 'written_off') "
    "AND (failure_code IS NOT NULL OR failure_message IS NOT NULL) THEN json_build_object('code', failure_code, "
    "'decline_code', failure_decline_code, 'message', failure_message) END AS failure, "
    f"{times('fulfilled_at', 'created_at', 'updated_at')}, "
    "coalesce(payment_attempts, '[]') AS payment_attempts, coalesce(history, '[]') AS history, policy"
)
_EVENT = (
    "id, type, object_id AS object, api_version, livemode, status, attempts, last_error, verified_by, source, "
    f"request_id, {times('created_at', 'received_at', 'next_attempt_at', 'processed_at')}"
)
_FULFILLMENT_ACTION = (
    "id, fulfillment, invoice, action, split_part(moment, ':', 1) AS moment, status, attempts, reason, "
    f"{times('created_at', 'next_attempt_at', 'finished_at')}"
)
_SCOPES = (
    "CASE WHEN NOT feed_apart AND scopes && '{events:read,events:write}' AND NOT 'feed:read' = ANY (scopes) "
    "THEN array_append(scopes, 'feed:read') ELSE scopes END"
)
_API_KEY = (
    f"id, name, prefix, {_SCOPES} AS scopes, livemode, caller, CASE WHEN revoked_at IS NOT NULL THEN 'revoked' "
    "WHEN expires_at <= now() THEN 'expired' ELSE 'active' END AS status, replaced_by, "
    f"{times('created_at', 'expires_at', 'last_used_at', 'revoked_at')}"
)
_WEBHOOK_ENDPOINT = (
    "id, url, description, types, ordered, status, disabled_reason, "  # noqa: S608
    "(SELECT coalesce(json_agg(json_build_object('created_at', secret ->> 'created_at', 'expires_at', "
    "secret ->> 'expires_at') ORDER BY nth), '[]') FROM jsonb_array_elements(secrets) WITH ORDINALITY listed (secret, nth) "
    "WHERE coalesce((secret ->> 'expires_at')::timestamptz > now(), true)) AS secrets, "
    + times("disabled_at", "failing_since", "created_at", "updated_at")
)
_DELIVERY = (
    "id, endpoint, event, type, invoice, status, attempts, log -> -1 -> 'status' AS last_status, "
    "log -> -1 -> 'error' AS last_error, log, " + times("next_attempt_at", "created_at", "delivered_at")
)
_OPERATION = (
    "id, name, subject, caller, idempotency_key, request_id, takeovers, nullif(answer_status, 0) AS answer_status, "
    "CASE WHEN answered_at IS NULL THEN 'in flight' WHEN answer_status = 0 THEN 'refused' ELSE 'done' END AS status, "
    f"last_error, {times('created_at', 'locked_until', 'answered_at')}"
)
_AUDIT_ENTRY = f"id, {times('at')}, actor, action, subject, detail, outcome, request_id, operation"


MOST_STATEMENTS = 500
"""The most statement texts that are cached. Callers' filters decide how many there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """How one resource is read.

    `shown` are the columns in lists, `single` those of a single row; lists are ordered by the column `time`. `key` is
    the primary key. `stored` and `stored_single` are the same documents as the row holds them: text, null where it
    holds none. `joined` is the join that they need.
    """

    name: str
    table: str
    shown: str
    single: str = ""
    time: str = "created_at"
    hides_deleted: bool = True
    key: tuple[str, ...] = ("id",)
    stored: str = ""
    stored_single: str = ""
    joined: str = ""

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that lists are ordered by, each descending."""
        return (self.time, "sequence", "id") if self.stored else (self.time, "id")

    def document(self, where: str, *, stored: bool = False) -> str:
        """The statement that selects the one document matching `where`."""
        hidden = " AND row.deleted_at IS NULL" if self.hides_deleted else ""
        if stored:
            text = self.stored_single or self.stored
            return f"SELECT {text} AS document FROM {self.table} row {self.joined} WHERE row.{where}{hidden}"  # noqa: S608
        columns = self.single or self.shown
        return f"SELECT row_to_json(d) FROM (SELECT {columns} FROM {self.table} row WHERE {where}{hidden}) d"  # noqa: S608

    def documents(self, where: str, *, stored: bool = False) -> str:
        """The statement that selects the ids and documents of all rows matching `where`."""
        if stored:
            return self.document(where, stored=True).replace("SELECT ", "SELECT row.id, ", 1)
        return self.document(where).replace("SELECT row_to_json(d)", "SELECT d.id, row_to_json(d)::text", 1)


PRODUCT = Resource(
    "product", "products", mirrored.shown(mirrored.PRODUCT, FIELDS[Kind.PRODUCT]), stored=mirrored.stored(Kind.PRODUCT)
)
PRICE = Resource(
    "price", "prices", mirrored.shown(mirrored.PRICE, FIELDS[Kind.PRICE]), stored=mirrored.stored(Kind.PRICE)
)
CUSTOMER = Resource(
    "customer",
    "customers",
    mirrored.shown(mirrored.CUSTOMER, FIELDS[Kind.CUSTOMER]),
    stored=mirrored.stored(Kind.CUSTOMER),
)
_LISTED = mirrored.shown(f"{mirrored.INVOICE}, {mirrored.FULFILLMENT}", FIELDS[Kind.INVOICE])
INVOICE = Resource(
    "invoice",
    "invoices",
    _LISTED,
    single=f"{_LISTED}, {mirrored.ITEMS} AS items",
    stored=mirrored.stored(Kind.INVOICE, fulfillment=mirrored.JOINED_FULFILLMENT),
    stored_single=mirrored.stored(Kind.INVOICE, fulfillment=mirrored.JOINED_FULFILLMENT, items=mirrored.stored_items()),
    joined=mirrored.JOIN_FULFILLMENT,
)
PAYMENT_PAGE = Resource(
    "invoice",
    "invoices",
    f"{_LISTED}, {mirrored.ITEMS} AS items, row.account_name",
    stored=mirrored.stored(
        Kind.INVOICE,
        fulfillment=mirrored.JOINED_FULFILLMENT,
        items=mirrored.stored_items(),
        account_name=mirrored.as_json("row.account_name"),
    ),
    joined=mirrored.JOIN_FULFILLMENT,
)
PAYMENT_STATUS = Resource(
    "invoice",
    "invoices",
    "row.status, row.payment_intent, (SELECT json_build_object('status', coalesce(fulfillment.later_status, fulfillment.status), 'failure', "
    "fulfillment.failure_message) FROM fulfillments fulfillment WHERE fulfillment.invoice = row.id) AS fulfillment",
)
FULFILLMENT = Resource("fulfillment", "fulfillments", _FULFILLMENT, hides_deleted=False)
EVENT = Resource(
    "webhook event",
    "webhook_events",
    _EVENT,
    single=f"{_EVENT}, payload::json AS payload",
    time="received_at",
    hides_deleted=False,
    key=("id", "created_at"),
)
FULFILLMENT_ACTION = Resource("fulfillment action", "fulfillment_actions", _FULFILLMENT_ACTION, hides_deleted=False)
API_KEY = Resource("API key", "api_keys", _API_KEY, hides_deleted=False)
WEBHOOK_ENDPOINT = Resource("webhook endpoint", "webhook_endpoints", _WEBHOOK_ENDPOINT)
DELIVERY = Resource("delivery", "deliveries", _DELIVERY, hides_deleted=False)
OPERATION = Resource("operation", "operations", _OPERATION, hides_deleted=False)
AUDIT_ENTRY = Resource("audit entry", "audit_log", _AUDIT_ENTRY, time="at", hides_deleted=False)


OVERDUE = "row.status = 'open' AND row.due_at < now()"
"""The condition that an invoice is overdue, written so that an index serves both its status and its due date."""


@dataclass(slots=True)
class Filter:
    """The conditions of a list, as SQL over `row` with positional arguments."""

    conditions: list[str] = field(default_factory=list)
    arguments: list[object] = field(default_factory=list)

    def add(self, condition: str, argument: object) -> None:
        """Require `condition`, in which {} stands for `argument`. An argument of None adds nothing."""
        if argument is not None:
            self.arguments.append(argument)
            self.conditions.append(condition.format(f"${len(self.arguments)}"))


async def read(connection: Connection, resource: Resource, object_id: str, *, by: str = "id") -> str | None:
    """The document of one object as JSON text; None if there is none."""
    if resource.stored:
        row = await connection.fetchrow(_one(resource, by, stored=True), object_id)
        if row is None or row[0] is not None:
            return None if row is None else str(row[0])
    found: str | None = await connection.fetchval(_one(resource, by), object_id)
    return found


async def read_all(connection: Connection, resource: Resource, ids: Sequence[str]) -> dict[str, str]:
    """The documents of several objects by id, as `read` returns them. Absent objects are missing."""
    found: dict[str, str] = {}
    for stored in (True, False) if resource.stored else (False,):
        statement = resource.documents("id = ANY($1::text[])", stored=stored)
        rows = await connection.fetch(statement, [one for one in ids if one not in found])
        found |= {row[0]: row[1] for row in rows if row[1] is not None}
        if len(rows) == len(found):
            break
    return found


async def page(connection: Connection, resource: Resource, wanted: Filter, *, limit: int, cursor: str | None) -> bytes:
    """A page as the API answers it: data, has_more, next_cursor.

    Raises ValidationFailed for a cursor that no list of this resource returned.
    """
    order = resource.order
    if cursor:
        after = _read_cursor(cursor, resource)
        order = tuple(after)
        begin = len(wanted.arguments) + 1
        wanted.arguments += after.values()
        places = ", ".join(f"${place}" for place in range(begin, begin + len(order)))
        wanted.conditions.append(f"({', '.join(f'row.{name}' for name in order)}) < ({places})")
    if resource.hides_deleted:
        wanted.conditions.append("row.deleted_at IS NULL")
    conditions = tuple(wanted.conditions)
    [found] = await connection.fetch(
        _page(resource, conditions, limit, order, stored=bool(resource.stored)), *wanted.arguments
    )
    if found["lacking"]:
        [found] = await connection.fetch(_page(resource, conditions, limit, order, stored=False), *wanted.arguments)
    next_cursor = _write_cursor({name: found[f"last_{name}"] for name in order}, resource) if found["more"] else None
    tail = msgspec.json.encode({"has_more": found["more"], "next_cursor": next_cursor}).decode()
    return f'{{"data":[{found["data"]}],{tail[1:]}'.encode()


@lru_cache(MOST_STATEMENTS)
def _one(resource: Resource, by: str, *, stored: bool = False) -> str:
    return resource.document(f"{by} = $1", stored=stored)


@lru_cache(MOST_STATEMENTS)
def _page(resource: Resource, conditions: Sequence[str], limit: int, order: Sequence[str], *, stored: bool) -> str:
    """The statement of a page. It returns one row: documents, whether there are more, and the cursor's values.

    `lacking` counts rows that do not hold their document. The text is cached, because building it and having asyncpg
    hash kilobytes would cost at each request.
    """
    newest, oldest = ", ".join(f"{name} DESC" for name in order), ", ".join(order)
    last = ", ".join(f"(SELECT {name} FROM shown ORDER BY {oldest} LIMIT 1) AS last_{name}" for name in order)  # noqa: S608
    same = " AND ".join(f"row.{column} = shown.{column}" for column in resource.key)
    rows = f"FROM {resource.table} row"
    one = (
        f"SELECT {resource.stored} AS document {rows} {resource.joined} WHERE {same}"
        if stored
        else f"SELECT row_to_json(d)::text AS document FROM (SELECT {resource.shown} {rows} WHERE {same}) d"  # noqa: S608
    )
    return (
        f"WITH keys AS (SELECT {', '.join(dict.fromkeys((*order, *resource.key)))} {rows} "  # noqa: S608
        f"WHERE {' AND '.join(conditions) or 'true'} ORDER BY {newest} LIMIT {limit + 1}), "
        f"shown AS (SELECT * FROM keys ORDER BY {newest} LIMIT {limit}) "
        "SELECT coalesce(string_agg(listed.document, ','), '') AS data, "
        "count(*) - count(listed.document) AS lacking, "
        f"(SELECT count(*) FROM keys) > {limit} AS more, {last} "
        f"FROM (SELECT each.document FROM shown CROSS JOIN LATERAL ({one}) each "
        f"ORDER BY {', '.join(f'shown.{name} DESC' for name in order)}) listed"
    )


class _Cursor(msgspec.Struct, array_like=True):
    """Where a page ended: the values of the last row, and the list it was of.

    The release before knew no sequence, and the one before that did not say of which list.
    """

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}$")]
    listed: str = ""
    sequence: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None


_cursor = msgspec.json.Decoder(_Cursor)


def _write_cursor(last: Mapping[str, Any], resource: Resource) -> str:
    cursor = _Cursor(last[resource.time], last["id"], resource.name, last.get("sequence"))
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _read_cursor(cursor: str, resource: Resource) -> dict[str, object]:
    """The values that the page's last row had in the columns by which its list was ordered.

    A list that the release before began goes on in its order: by time and id.
    """
    try:
        found = _cursor.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at = found.at.astimezone(UTC)
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError):
        raise ValidationFailed("cursor is not one that a list of this resource answered.", param="cursor") from None
    if found.listed not in {"", resource.name}:
        raise ValidationFailed("cursor is of another list: page each list by its own next_cursor.", param="cursor")
    values = {resource.time: at, "sequence": found.sequence, "id": found.id}
    return {name: values[name] for name in resource.order if values[name] is not None}
