"""The SQL statements of erasure: they find stored documents about customers and store the scrubbed ones.

Locked rows are skipped, because their holder may itself wait for the customer's lock; a later sweep finds them. An
operation's parameters are deleted when it is answered. Its answer is made of our own rows, so an answer made after the
erasure holds no personal data.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Text, Uuid, bindparam, cast, column, exists, func, or_, select, tuple_, union, update
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.engine import Connection
from app.db.schema import (
    credit_notes,
    customers,
    disputes,
    fulfillment_actions,
    fulfillments,
    invoice_payments,
    invoices,
    operations,
    payment_methods,
    refunds,
    setup_intents,
    tax_ids,
    webhook_events,
)
from app.db.schema.metadata import TIME
from app.db.statement import Statement, any_of
from app.domain.redaction import without_payers
from app.stripe.mapping import FIELDS, Kind

PAGE = 200

Scrub = Callable[[str], str]
"""Maps a stored document to the document without personal data."""

_E, _O, _A = webhook_events.c, operations.c, fulfillment_actions.c
_ERASED = any_of("customers", Text)
_AFTER = bindparam("after", type_=Text)

_OF_CUSTOMERS = (
    (refunds, refunds.c.id),
    (refunds, refunds.c.charge),
    (credit_notes, credit_notes.c.id),
    (disputes, disputes.c.id),
    (disputes, disputes.c.charge),
    (payment_methods, payment_methods.c.id),
    (payment_methods, payment_methods.c.mandate),
    (setup_intents, setup_intents.c.id),
    (tax_ids, tax_ids.c.id),
)
"""What came back of invoices, and the charges, whose events say who paid; how customers pay, mandates, and tax ids."""

_TRACED = union(
    select(func.unnest(bindparam("customers", type_=ARRAY(Text))).label("id")),
    select(invoices.c.id).where(invoices.c.customer == _ERASED),
    select(invoice_payments.c.payment_intent)
    .join(invoices, invoices.c.id == invoice_payments.c.invoice)
    .where(invoices.c.customer == _ERASED),
    *(select(named).where(table.c.customer == _ERASED) for table, named in _OF_CUSTOMERS),
).cte("traced")
"""The ids of customers, of their tax ids and invoices, of the payments of those, and of what came back."""

_EVENTS = Statement(
    select(_E.id, _E.payload.label("document"))
    .join(_TRACED, _E.object_id == _TRACED.c.id)
    .where(_E.id > _AFTER)
    .order_by(_E.id)
    .limit(PAGE)
    .with_for_update(of=webhook_events, skip_locked=True)
)
_OPERATION = cast(_O.id, Text)
_TOLD = select(_TRACED.c.id).union_all(select(_E.id).join(_TRACED, _E.object_id == _TRACED.c.id))
"""What answers are about: the same, and the events about it, which a replay answers with."""
_ANSWERS = Statement(
    select(_OPERATION.label("id"), _O.answer_body.label("document"))
    .where(_O.subject.in_(_TOLD), _O.answered_at.is_not(None), _OPERATION > _AFTER)
    .order_by(_OPERATION)
    .limit(PAGE)
    .with_for_update(of=operations, skip_locked=True)
)
_NEW = (
    func.unnest(bindparam("ids", type_=ARRAY(Text)), bindparam("documents", type_=ARRAY(Text)))
    .table_valued("id", "document")
    .render_derived(name="new")
)
_PUT_EVENTS = Statement(
    update(webhook_events).values(payload=_NEW.c.document).where(_E.id == _NEW.c.id, _E.payload != _NEW.c.document)
)
_PUT_ANSWERS = Statement(
    update(operations)
    .values(answer_body=_NEW.c.document)
    .where(_O.id == cast(_NEW.c.id, Uuid), _O.answer_body != _NEW.c.document)
)
_ACTIONS = Statement(
    update(fulfillment_actions)
    .values(reason=None)
    .where(
        _A.id.in_(
            select(_A.id)
            .join(fulfillments, fulfillments.c.id == _A.fulfillment)
            .where(fulfillments.c.customer == _ERASED, _A.reason.is_not(None))
            .with_for_update(of=fulfillment_actions, skip_locked=True)
        )
    )
)
_TAX_IDS = Statement(
    update(tax_ids)
    .values(
        **dict.fromkeys(FIELDS[Kind.TAX_ID].blank), deleted_at=func.coalesce(tax_ids.c.deleted_at, func.now()),
        document=None, document_version=0, revision=tax_ids.c.revision + 1,
    )
    .where(
        tax_ids.c.id.in_(
            select(tax_ids.c.id)
            .where(tax_ids.c.customer == _ERASED, tax_ids.c.value.is_not(None))
            .with_for_update(skip_locked=True)
        )
    )
)  # fmt: skip
"""Blanks the tax ids, which go with their customers. Their documents are made anew of what is left."""
_NAMED = (
    func.regexp_matches(_E.payload, '"customer"[[:space:]]*:[[:space:]]*"([^"]+)"|"(cus_[^"]+)"', "g")
    .table_valued(column("ids", ARRAY(Text)))
    .render_derived(name="named")
)
_RECEIVED = Statement(
    select(
        _E.received_at,
        _E.id,
        _E.payload.label("document"),
        or_(
            exists(
                select(_NAMED.c.ids)
                .select_from(_NAMED)
                .join(customers, customers.c.id == func.coalesce(_NAMED.c.ids[1], _NAMED.c.ids[2]))
                .where(customers.c.deleted_at.is_not(None))
                .correlate(webhook_events)
            ),
            *(
                exists(  # these do not say whose they are
                    select(named)
                    .join(customers, customers.c.id == named.table.c.customer)
                    .where(named == _E.object_id, customers.c.deleted_at.is_not(None))
                    .correlate(webhook_events)
                )
                for named in (refunds.c.id, disputes.c.id, payment_methods.c.mandate)
            ),
        ).label("mentions"),
    )
    .where(tuple_(_E.received_at, _E.id) > tuple_(bindparam("received_at", type_=TIME), bindparam("id", type_=Text)))
    .order_by(_E.received_at, _E.id)
    .limit(PAGE)
    .with_for_update(of=webhook_events, skip_locked=True)
)
_ERASED_SINCE = Statement(
    select(customers.c.id).where(customers.c.deleted_at >= bindparam("since")).order_by(customers.c.id)
)
_ERASED_AMONG = Statement(select(customers.c.id).where(customers.c.id == _ERASED, customers.c.deleted_at.is_not(None)))


class Document(NamedTuple):
    """A stored document that may hold traces of a customer."""

    id: str
    document: str


class Mention(NamedTuple):
    """An event, and whether it mentions an erased customer."""

    received_at: datetime
    id: str
    document: str
    mentions: bool


class Place(NamedTuple):
    """The position of a sweep among the events, in the order in which they were received."""

    received_at: datetime
    id: str = ""


async def forget(connection: Connection, customers: Sequence[str], scrub: Scrub) -> int:
    """Scrub the events and stored answers about `customers`, their invoices and the payments of those.

    Also clears the reasons of their fulfillment actions, which may hold a hook's own words, and deletes their tax ids.
    Returns how many documents changed.
    """
    await _TAX_IDS.execute(connection, customers=list(customers))
    await _ACTIONS.execute(connection, customers=list(customers))
    changed = 0
    for found, put in ((_EVENTS, _PUT_EVENTS), (_ANSWERS, _PUT_ANSWERS)):
        after = ""
        while rows := await found.rows(connection, Document, customers=list(customers), after=after):
            after = rows[-1].id
            changed += await _put(connection, put, [(row.id, scrub(row.document)) for row in rows])
    return changed


async def forget_mentions(connection: Connection, after: Place, scrub: Scrub) -> tuple[int, Place | None]:
    """Scrub what mentions an erased customer or lets one pay in the page after `after`. Returns how many, and its end."""
    rows = await _RECEIVED.rows(connection, Mention, received_at=after.received_at, id=after.id)
    clean = ((row, without_payers(scrub(row.document) if row.mentions else row.document)) for row in rows)
    found = [(row.id, document) for row, document in clean if document != row.document]
    changed = await _put(connection, _PUT_EVENTS, found) if found else 0
    return changed, Place(rows[-1].received_at, rows[-1].id) if rows else None


async def _put(connection: Connection, statement: Statement, documents: Sequence[tuple[str, str]]) -> int:
    ids, texts = [one[0] for one in documents], [one[1] for one in documents]
    return await statement.execute(connection, ids=ids, documents=texts)


async def erased_since(connection: Connection, since: datetime) -> list[str]:
    return await _ERASED_SINCE.column(connection, since=since)


async def erased_among(connection: Connection, customers: Collection[str]) -> set[str]:
    return set(await _ERASED_AMONG.column(connection, customers=list(customers))) if customers else set()
