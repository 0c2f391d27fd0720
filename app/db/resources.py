"""What the API shows of each resource: which columns its documents are made of, and which filters its lists have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from operator import sub
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Join,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, TSQUERY

from app.db import mirrored_documents as mirrored
from app.db import schema
from app.db.finding import Finding
from app.db.mirrored_documents import columns
from app.db.names import NAMES
from app.db.schema.access import GRANTED_SCOPES
from app.db.schema.fulfillments import EFFECTIVE_STATUS
from app.db.schema.metadata import JSON as STORED_JSON
from app.db.schema.metadata import TIME
from app.db.schema.mirrors import NEVER
from app.domain.dispute import TO_ANSWER
from app.domain.invoice import InvoiceStatus
from app.stripe.mapping import FIELDS, Kind

OWN_CUSTOMER = "own_customer"
"""The filter by the customer that the caller is bound to, beside the customer that is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """How one resource is read. Rows that are marked as deleted are not shown.

    `shown` are the columns in lists, `single` those of a single row; lists are ordered by the column `time`. `stored`
    and `stored_single` are the same documents as the row holds them: text, null where it holds none. `joined` is the
    join that they need.

    A list can be filtered by each column, and by the names in `filters`: conditions with a parameter of that name. The
    conditions in `flags` have none: a caller asks for them, or for what they exclude.
    """

    name: str
    table: Table
    shown: Sequence[ColumnElement[Any]]
    single: Sequence[ColumnElement[Any]] = ()
    time: str = "created_at"
    filters: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    flags: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    stored: ColumnElement[str] | None = None
    stored_single: ColumnElement[str] | None = None
    joined: Join | None = None
    finding: Finding = field(default_factory=Finding)

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that lists are ordered by, each descending."""
        return tuple(name for name in (self.time, "sequence", "id") if name in self.table.c)

    def key(self, name: str) -> ColumnElement[Any]:
        return self.finding.sorts.get(name, self.table.c[name])


def _mirrored(kind: Kind, **flags: ColumnElement[bool]) -> Resource:
    """A mirrored resource with nothing beside its document."""
    table, name = mirrored.TABLES[kind], kind.value.replace("_", " ")
    return Resource(name, table, mirrored.made(table, FIELDS[kind]), stored=mirrored.stored(kind), flags=flags)


PRODUCT = _mirrored(Kind.PRODUCT)
PRICE = _mirrored(Kind.PRICE)
CUSTOMER = _mirrored(Kind.CUSTOMER)
REFUND = _mirrored(Kind.REFUND)
CREDIT_NOTE = _mirrored(Kind.CREDIT_NOTE)
TAX_RATE = _mirrored(Kind.TAX_RATE)
TAX_ID = _mirrored(Kind.TAX_ID)
COUPON = _mirrored(Kind.COUPON)
PROMOTION_CODE = _mirrored(Kind.PROMOTION_CODE)
DISPUTE = _mirrored(Kind.DISPUTE, due=schema.disputes.c.status.in_(sorted(TO_ANSWER)))

_METHODS = schema.payment_methods.c
_IS_DEFAULT = exists().where(
    schema.customers.c.id == _METHODS.customer, schema.customers.c.default_payment_method == _METHODS.id
)
_METHOD_FIELDS = mirrored.made(schema.payment_methods, FIELDS[Kind.PAYMENT_METHOD])
PAYMENT_METHOD = Resource(
    "payment method",
    schema.payment_methods,
    [*_METHOD_FIELDS, _IS_DEFAULT.label("is_default")],
    stored=mirrored.stored(Kind.PAYMENT_METHOD, is_default=case((_IS_DEFAULT, "true"), else_="false")),
)
SETUP_INTENT = Resource(
    "SetupIntent",
    schema.setup_intents,
    columns(
        schema.setup_intents,
        *("id", "customer", "status", "payment_method", "failure_code", "failure_decline_code"),
        *("created_at", "updated_at"),
    ),
)

_INVOICES = schema.invoices.c
_LISTED = [*mirrored.made(schema.invoices, FIELDS[Kind.INVOICE]), mirrored.FULFILLMENT.label("fulfillment")]
_WHOLE = [*_LISTED, mirrored.PAYMENTS.label("payments"), mirrored.ITEMS.label("items")]
_STORED = {
    "fulfillment": mirrored.JOINED_FULFILLMENT,
    "payments": cast(mirrored.PAYMENTS, Text),
    "items": mirrored.stored_items(),
}
OVERDUE = and_(_INVOICES.status == "open", _INVOICES.due_at < func.now())
"""The condition that an invoice is overdue, written so that an index serves both its status and its due date."""

STUCK = and_(
    _INVOICES.stuck_since <= func.now(),
    _INVOICES.deleted_at.is_(None),
    or_(_INVOICES.status.in_(("draft", "open")), _INVOICES.next_step.in_(("answer_dispute", "refund_payment"))),
)
"""The condition that a person must do something. An older release knows no next steps and may leave an outdated one in the row."""
_DUE = func.coalesce(_INVOICES.due_at, literal_column(NEVER, TIME))
_CREATED = {
    "created_from": _INVOICES.created_at >= bindparam("created_from"),
    "created_to": _INVOICES.created_at < bindparam("created_to"),
}

INVOICE = Resource(
    "invoice",
    schema.invoices,
    _LISTED,
    single=_WHOLE,
    filters={
        **_CREATED,
        "due_before": _INVOICES.due_at < bindparam("due_before"),
        "metadata": _INVOICES.metadata.contains(bindparam("metadata", type_=STORED_JSON)),
        "q": _INVOICES.search.op("@@")(cast(bindparam("q", type_=Text), TSQUERY)),
    },
    flags={"overdue": OVERDUE},
    stored=mirrored.stored(Kind.INVOICE, fulfillment=mirrored.JOINED_FULFILLMENT),
    stored_single=mirrored.stored(Kind.INVOICE, **_STORED),
    joined=mirrored.WITH_FULFILLMENT,
    finding=Finding(
        sorts={"due_at": _DUE, "amount_due": _INVOICES.amount_due},
        columns={"status": list(InvoiceStatus), "collection_method": ["send_invoice", "charge_automatically"]},
        ranges={name: ("created_at", it) for name, it in _CREATED.items()}
        | {"due_before": ("due_at", bindparam("due_before") > _DUE)},
        few=("customer", OWN_CUSTOMER, "reference", "number", "metadata", "q"),
        always=("number", "metadata", "q"),
    ),
)
_LOCALES = (
    select(cast(schema.customers.c.document, JSONB)["preferred_locales"])
    .where(schema.customers.c.id == _INVOICES.customer)
    .scalar_subquery()
)
_FULFILLMENTS = schema.fulfillments.c
REQUIRED_ACTION = case((_FULFILLMENTS.later_status == "action_required", _FULFILLMENTS.required_action))
"""What the payer must do, in Stripe's word, while a payment waits for that."""
_ITS_ACTION = select(REQUIRED_ACTION).where(_FULFILLMENTS.invoice == _INVOICES.id).scalar_subquery()
PAYMENT_PAGE = Resource(
    "invoice",
    schema.invoices,
    [
        *_WHOLE,
        _LOCALES.label("preferred_locales"),
        cast(NAMES, JSON).label("names"),
        _ITS_ACTION.label("required_action"),
    ],
    stored=mirrored.stored(
        Kind.INVOICE,
        **_STORED,
        preferred_locales=func.coalesce(cast(_LOCALES, Text), "null"),
        names=NAMES,
        required_action=mirrored.as_json(REQUIRED_ACTION),
    ),
    joined=mirrored.WITH_FULFILLMENT,
)
_FAILURE = func.json_build_object(
    *("code", _FULFILLMENTS.failure_code, "decline_code", _FULFILLMENTS.failure_decline_code),
    *("message", _FULFILLMENTS.failure_message),
)
_FAILED = and_(
    _FULFILLMENTS.attempt == "payment_failed",
    EFFECTIVE_STATUS.in_(("payment_failed", "reversed", "written_off")),
    or_(_FULFILLMENTS.failure_code.is_not(None), _FULFILLMENTS.failure_message.is_not(None)),
)
PAYMENT_STATUS = Resource(
    "invoice",
    schema.invoices,
    columns(
        schema.invoices,
        *("status", "payment_intent", "amount_remaining", "currency"),
        func.array(
            select(schema.invoice_payments.c.payment_intent)
            .where(schema.invoice_payments.c.invoice == _INVOICES.id, schema.invoice_payments.c.status == "paid")
            .scalar_subquery()
        ).label("paid"),
        select(
            func.json_build_object(
                *("status", EFFECTIVE_STATUS, "failure", case((_FAILED, _FAILURE))),
                *("required_action", REQUIRED_ACTION),
            )
        )
        .where(_FULFILLMENTS.invoice == _INVOICES.id)
        .scalar_subquery()
        .label("fulfillment"),
    ),
)
_RETURNED = [_FULFILLMENTS[name] for name in ("amount_refunded", "amount_credited", "amount_disputed")]
FULFILLMENT = Resource(
    "fulfillment",
    schema.fulfillments,
    columns(
        schema.fulfillments,
        *("id", "invoice", "customer"),
        *(EFFECTIVE_STATUS.label("status"), _FULFILLMENTS.amount_paid, *_RETURNED),
        reduce(sub, _RETURNED, _FULFILLMENTS.amount_paid).label("amount_kept"),
        *("currency", "payment_intent", "paid_out_of_band", "attempts"),
        REQUIRED_ACTION.label("required_action"),
        case((_FAILED, _FAILURE)).label("failure"),
        *("fulfilled_at", "created_at", "updated_at"),
        *(func.coalesce(_FULFILLMENTS[name], "[]").label(name) for name in ("payment_attempts", "history")),
        "policy",
    ),
    filters={
        "status": bindparam("status") == EFFECTIVE_STATUS,
        "updated_after": _FULFILLMENTS.updated_at > bindparam("updated_after"),
    },
)
FULFILLMENT_ACTION = Resource(
    "fulfillment action",
    schema.fulfillment_actions,
    columns(
        schema.fulfillment_actions,
        *("id", "fulfillment", "invoice", "action"),
        func.split_part(schema.fulfillment_actions.c.moment, ":", 1).label("moment"),
        *("status", "attempts", "reason", "created_at", "next_attempt_at", "finished_at"),
    ),
)

_EVENTS = schema.webhook_events.c
_EVENT = columns(
    schema.webhook_events,
    *("id", "type", _EVENTS.object_id.label("object"), "api_version", "livemode", "status", "attempts", "last_error"),
    *("verified_by", "source", "request_id", "created_at", "received_at", "next_attempt_at", "processed_at"),
)
EVENT = Resource(
    "webhook event",
    schema.webhook_events,
    _EVENT,
    single=[*_EVENT, cast(_EVENTS.payload, JSON).label("payload")],
    time="received_at",
)

_KEYS = schema.api_keys.c
_STATUS = case((_KEYS.revoked_at.is_not(None), "revoked"), (_KEYS.expires_at <= func.now(), "expired"), else_="active")
API_KEY = Resource(
    "API key",
    schema.api_keys,
    columns(
        schema.api_keys,
        *("id", "name", "prefix", GRANTED_SCOPES.label("scopes"), "livemode", "caller", _STATUS.label("status")),
        *("replaced_by", "created_at", "expires_at", "last_used_at", "revoked_at"),
    ),
    filters={"prefix": func.starts_with(_KEYS.prefix, bindparam("prefix", type_=Text))},
)

_SECRET = (
    func.jsonb_array_elements(schema.webhook_endpoints.c.secrets)
    .table_valued(column("secret", JSONB), with_ordinality="position")
    .render_derived(name="listed")
)
_MADE, _EXPIRES = (_SECRET.c.secret[name].astext for name in ("created_at", "expires_at"))
_SECRETS = (
    select(
        func.coalesce(
            func.json_agg(func.json_build_object("created_at", _MADE, "expires_at", _EXPIRES)).aggregate_order_by(
                _SECRET.c.position
            ),
            "[]",
        )
    )
    .where(or_(_EXPIRES.is_(None), cast(_EXPIRES, TIME) > func.now()))
    .scalar_subquery()
)
WEBHOOK_ENDPOINT = Resource(
    "webhook endpoint",
    schema.webhook_endpoints,
    columns(
        schema.webhook_endpoints,
        *("id", "url", "description", "types", "ordered", "status", "disabled_reason", _SECRETS.label("secrets")),
        *("disabled_at", "failing_since", "created_at", "updated_at"),
    ),
)
_LAST = schema.deliveries.c.log[-1]
DELIVERY = Resource(
    "delivery",
    schema.deliveries,
    columns(
        schema.deliveries,
        *("id", "endpoint", "event", "type", "invoice", "status", "attempts"),
        *(_LAST["status"].label("last_status"), _LAST["error"].label("last_error"), "log"),
        *("next_attempt_at", "created_at", "delivered_at"),
    ),
)

_OPERATIONS = schema.operations.c
_UNANSWERED = _OPERATIONS.answered_at.is_(None)
OPERATION = Resource(
    "operation",
    schema.operations,
    columns(
        schema.operations,
        *("id", "name", "subject", "caller", "idempotency_key", "request_id", "takeovers"),
        func.nullif(_OPERATIONS.answer_status, 0).label("answer_status"),
        case((_UNANSWERED, "in flight"), (_OPERATIONS.answer_status == 0, "refused"), else_="done").label("status"),
        *("last_error", "created_at", "locked_until", "answered_at"),
    ),
    flags={
        "in_flight": _UNANSWERED,
        "stuck": and_(_UNANSWERED, _OPERATIONS.created_at < func.now() - timedelta(minutes=10)),
    },
)
AUDIT_ENTRY = Resource(
    "audit entry",
    schema.audit_log,
    columns(
        schema.audit_log, *("id", "at", "actor", "action", "subject", "detail", "outcome", "request_id", "operation")
    ),
    time="at",
    filters={"since": schema.audit_log.c.at >= bindparam("since")},
)
