"""The unit of work: the mirrored rows that one transaction reads and writes.

Load the rows of some subjects (which locks them), apply snapshots and reports on payment attempts, and flush. Between
load and flush it only computes. The order of arrival does not change the outcome.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple, Self

from app.db.engine import Connection
from app.db.rows import load, lock, store
from app.db.schema import fulfillments
from app.domain import returns
from app.domain.changes import Change
from app.domain.errors import NotAtStripe
from app.domain.invoice import InvoiceStatus, advance
from app.domain.json import JsonObject
from app.domain.policy import DEFAULT
from app.domain.reminders import Reminder
from app.domain.snapshot import Verdict, judge
from app.fulfillment import action_statements, policy_statements
from app.fulfillment.fulfillments import Fulfillments
from app.idempotency import references
from app.projection import (
    change_statements,
    due_notices,
    erasure,
    item_statements,
    mirrored_rows,
    next_steps,
    noted_changes,
    setup_intent_statements,
    snapshot_rows,
    tombstones,
)
from app.projection.item_statements import Listed
from app.projection.mirrored_rows import items_document
from app.projection.noted_changes import note_invoice, note_return
from app.projection.setup_intent_statements import SetupIntent
from app.stripe.mapping import FIELDS, RETURNS, REUSED, InvoicePayment, Kind, Snapshot

ERASED_CUSTOMER = FIELDS[Kind.CUSTOMER].blank


class Subject(NamedTuple):
    """A Stripe object by kind and id."""

    kind: Kind
    id: str


class Unordered(Exception):
    """A snapshot cannot be ordered, or is incomplete: fetch `subject` and apply that, as newer than the revision `over`."""

    def __init__(self, subject: Subject, over: int) -> None:
        super().__init__(f"{subject.kind.value} {subject.id} must be fetched")
        self.subject = subject
        self.over = over


class Incomplete(Unordered):
    """A snapshot shows only some of the invoice's items, and all are needed."""


class UnitOfWork:
    """The rows of one transaction, for one flush.

    `cause` (an event's or operation's id) is recorded with each change. `fulfillments` are those of the invoices.
    `setups` are SetupIntents to record, `reminders` what is told once, and its cause.
    """

    def __init__(self, connection: Connection, now: datetime, cause: str | None) -> None:
        self._connection = connection
        self.now = now.isoformat()
        self._known: set[Subject] = set()
        self._gone: set[str] = set()
        self._rows: dict[Subject, JsonObject] = {}
        self._changed: set[Subject] = set()
        self._items: dict[str, list[JsonObject]] = {}
        self._payments: dict[str, InvoicePayment] = {}
        self._listed: dict[str, Listed] = {}
        self._detached: dict[str, set[str]] = {}
        self._buried: set[str] = set()
        self._given_up: set[tuple[Subject, str]] = set()
        self._erased: dict[str, str | None] = {}
        self._changes: list[Change] = []
        self.setups: list[SetupIntent] = []
        self.reminders: dict[Reminder, str | None] = {}
        self.fulfillments = Fulfillments({}, self.now, cause)

    @classmethod
    async def of(cls, connection: Connection, subjects: Iterable[Subject], *, cause: str | None = None) -> Self:
        """Lock `subjects` until the transaction ends, and read their rows and fulfillments."""
        wanted = list(subjects)
        await lock(connection, (subject.id for subject in wanted))
        return await cls.of_locked(connection, wanted, cause=cause)

    @classmethod
    async def of_locked(cls, connection: Connection, wanted: Sequence[Subject], *, cause: str | None = None) -> Self:
        """The same for locked subjects. A statement that locks would read rows as they were before the lock."""
        unit = cls(connection, datetime.now(UTC), cause)
        ids: defaultdict[Kind, list[str]] = defaultdict(list)
        for subject in wanted:
            ids[subject.kind].append(subject.id)
        for kind, kind_ids in ids.items():
            rows = await mirrored_rows.read(connection, kind, kind_ids)
            unit._rows |= {Subject(kind, row_id): row for row_id, row in rows.items()}
        if any(ids[kind] for kind in RETURNS):
            await unit._load_returns(ids[Kind.INVOICE])
        rows = await load(connection, fulfillments, ids[Kind.INVOICE], by="invoice")
        policy = DEFAULT if rows.keys() >= {*ids[Kind.INVOICE]} else await policy_statements.current(connection)
        unit.fulfillments = Fulfillments(rows, unit.now, cause, policy)
        unit._known = set(unit._rows)
        unknown = [subject for subject in wanted if subject not in unit._rows]
        unit._gone = await tombstones.among(connection, [subject.id for subject in unknown])
        unknown_invoices = [subject.id for subject in unknown if subject.kind is Kind.INVOICE]
        payments = await item_statements.payments_of(connection, unknown_invoices)
        unit._payments = {payment.payment_intent: payment for payment in payments}
        return unit

    async def _load_returns(self, invoices: Sequence[str]) -> None:
        """Read all that came back of `invoices`, and the invoices of what is known but was not wanted with its own."""
        for kind, rows in (await mirrored_rows.read_returns(self._connection, invoices)).items():
            self._rows = {Subject(kind, row_id): row for row_id, row in rows.items()} | self._rows
        owners = {row["invoice"] for subject, row in self._rows.items() if subject.kind in RETURNS} - set(invoices)
        rows = await mirrored_rows.read(self._connection, Kind.INVOICE, owners)
        self._rows = {Subject(Kind.INVOICE, row_id): row for row_id, row in rows.items()} | self._rows
        self._detached |= await item_statements.detached(self._connection, [*invoices, *owners])

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo what the block did if it raises, so that half an event is never written."""
        kept = [
            (part, {name: it.copy() for name, it in vars(part).items() if isinstance(it, dict | list | set)})
            for part in (self, self.fulfillments)
        ]
        try:
            yield
        except BaseException:
            for part, state in kept:
                vars(part).update(state)
            raise

    @property
    def cause(self) -> str | None:
        """The cause of the changes that follow."""
        return self.fulfillments.cause

    @cause.setter
    def cause(self, cause: str | None) -> None:
        self.fulfillments.cause = cause

    def row(self, subject: Subject) -> JsonObject | None:
        return self._rows.get(subject)

    def revision(self, subject: Subject) -> int:
        """How often `subject` changed here; 0 if it is unknown."""
        known = self._rows.get(subject)
        return int(known["revision"]) if known else 0

    def customers_of_new_invoices(self) -> set[str]:
        """The customers of invoices that this transaction created."""
        made = [it for it in self._changed if it.kind is Kind.INVOICE and it not in self._known]
        return {customer for it in made if (customer := self._rows[it]["customer"])}

    def is_gone(self, subject: Subject) -> bool:
        known = self._rows.get(subject)
        return bool(known["deleted_at"]) if known else subject.id in self._gone

    # Snapshots

    def apply(self, snapshot: Snapshot) -> Verdict:
        """Take `snapshot` in where it is the newer. Raises Unordered where only Stripe can tell.

        Raises NotAtStripe where Stripe did not know an invoice that was finalized: only drafts are ever deleted.
        """
        subject = Subject(snapshot.kind, snapshot.id)
        known = self._rows.get(subject)
        if snapshot.missing and known and known.get("status", InvoiceStatus.DRAFT) != InvoiceStatus.DRAFT:
            raise NotAtStripe(subject.kind, subject.id)
        verdict = judge(mirrored_rows.version_of(subject.kind, known) if known else None, snapshot.version)
        if verdict is Verdict.FETCH:
            raise Unordered(subject, self.revision(subject))
        newer = verdict is Verdict.APPLY or bool(
            verdict is Verdict.SAME and known and snapshot_rows.not_older(snapshot.version, known)
        )
        if newer:
            if known is None and snapshot.stub:
                if subject.kind in REUSED:
                    return verdict
                self._buried.add(subject.id)
                self._gone.add(subject.id)
                return verdict
            items_taken = self._take_items(subject, known, snapshot)
            if verdict is Verdict.APPLY:
                self._merge(subject, known, snapshot, items_taken)
            elif known:
                self._confirm(subject, known, snapshot, items_taken)
            if known and snapshot.payments_complete:
                self._listed[subject.id] = Listed([it.payment_intent for it in snapshot.payments], self.cause)
        for payment in snapshot.payments:
            self.link(payment, newer=newer)
        return verdict

    def _merge(self, subject: Subject, known: JsonObject | None, snapshot: Snapshot, items_taken: JsonObject) -> None:
        row = snapshot_rows.merged(known, snapshot, items_taken, self.now)
        if subject.kind is Kind.INVOICE:
            asked = known is not None and snapshot.version.over == known["revision"]
            row["status"] = advance(known["status"] if known else None, row["status"], asked=asked)
        if snapshot.deleted or (
            subject.id in self._gone and row.get("status", InvoiceStatus.DRAFT) == InvoiceStatus.DRAFT
        ):
            row["deleted_at"] = row["deleted_at"] or self.now
            if subject.kind is Kind.INVOICE:
                self._items[subject.id], row["items_document"] = [], items_document([])
        else:
            row["deleted_at"] = None
        if subject.kind is Kind.INVOICE:
            row["payment_intent"] = known["payment_intent"] if known else self._default_link(subject.id)
            note_invoice(self._changes, known, row, self.cause)
        if subject.kind in RETURNS:
            invoice = self._invoice(row["invoice"])
            row |= {name: invoice[name] for name in ("customer", "livemode")}
            note_return(self._changes, subject.kind, known, row, self.cause)
        self.put(subject, row)

    def _confirm(self, subject: Subject, known: JsonObject, snapshot: Snapshot, items_taken: JsonObject) -> None:
        if row := snapshot_rows.confirmed(known, snapshot, items_taken):
            if subject.kind is Kind.INVOICE:
                note_invoice(self._changes, known, row, self.cause)
            self.put(subject, row)

    def _take_items(self, subject: Subject, known: JsonObject | None, snapshot: Snapshot) -> JsonObject:
        """Replace a draft's items. Returns the columns that change."""
        if not snapshot_rows.wants_items(known, snapshot):
            return {}
        if not snapshot.items_complete:
            raise Incomplete(subject, self.revision(subject))
        columns = snapshot_rows.item_columns(known, snapshot)
        if "lines_digest" in columns:
            self._items[subject.id] = snapshot.items
        return columns

    def put(self, subject: Subject, row: JsonObject) -> None:
        known = self._rows.get(subject)
        if known and known.get("reference") and (row["deleted_at"] or known["reference"] != row["reference"]):
            self._given_up.add((subject, known["reference"]))
        if subject.kind is Kind.CUSTOMER and row["deleted_at"]:
            row |= ERASED_CUSTOMER
            self._erased[subject.id] = self.cause
        if subject.kind is Kind.PAYMENT_METHOD and row["deleted_at"]:
            row |= FIELDS[Kind.PAYMENT_METHOD].blank
        self._rows[subject] = row
        self._changed.add(subject)

    # Which PaymentIntent pays an invoice

    def link(self, payment: InvoicePayment, *, newer: bool = True) -> None:
        """Record that a PaymentIntent or a payment record pays an invoice.

        The invoice shows the default one, its fulfillment the one that paid. `newer`: the payment does not come from a
        snapshot older than the known one. An older one does not change the default.
        """
        subject, intent = Subject(Kind.INVOICE, payment.invoice), payment.payment_intent
        invoice = self._rows.get(subject)
        if not newer and invoice and invoice["payment_intent"] not in {None, intent}:
            payment = replace(payment, is_default=False)
        self._payments[intent] = item_statements.later(payment, self._payments.get(intent))
        if invoice is None:
            return
        shown = invoice["payment_intent"]
        if shown != intent and payment.is_default:
            linked = invoice | {"payment_intent": intent, "updated_at": self.now}
            note_invoice(self._changes, invoice, linked, self.cause)
            self.put(subject, linked)
            self.fulfillments.link(subject.id, intent, instead_of=shown)
        if payment.paid and not payment.is_default and not payment.payment_record:
            self.fulfillments.paid_beside(subject.id, intent, default=shown)

    def _default_link(self, invoice_id: str) -> str | None:
        ours = (it.payment_intent for it in self._payments.values() if it.invoice == invoice_id and it.is_default)
        return max(ours, default=None)

    def follow(self, subject: Subject) -> bool:
        """Let the fulfillment follow `subject`: an invoice, or what came back of one. Returns whether it changed."""
        row = self._rows.get(subject)
        if row is None:
            return False
        if subject.kind in RETURNS:
            invoice = self._invoice(row["invoice"])
            listed = (self.returns_of(kind, invoice["id"]) for kind in RETURNS)
            detached = self._detached.get(invoice["id"], ())
            return self.fulfillments.follow_returns(invoice, returns.read(invoice, *listed, detached=detached))
        return subject.kind is Kind.INVOICE and not row["deleted_at"] and self.fulfillments.follow(row)

    def _invoice(self, invoice_id: str) -> JsonObject:
        return self._rows[Subject(Kind.INVOICE, invoice_id)]

    def returns_of(self, kind: Kind, invoice_id: str) -> list[JsonObject]:
        """The refunds, credit notes or disputes of the invoice. All are known if one of them was wanted."""
        return [row for subject, row in self._rows.items() if subject.kind is kind and row["invoice"] == invoice_id]

    # What is written

    async def flush(self) -> None:
        """Write the changes, parents first."""
        await item_statements.keep_payments(self._connection, list(self._payments.values()))
        for invoice_id in await item_statements.detach(self._connection, self._listed):
            self.cause = self._listed[invoice_id].cause
            await self._load_returns([invoice_id])
            for subject in [Subject(kind, row["id"]) for kind in RETURNS for row in self.returns_of(kind, invoice_id)]:
                self.follow(subject)
        invoices = [row for subject, row in self._rows.items() if subject.kind is Kind.INVOICE]
        for row in next_steps.changed(invoices, self.fulfillments):
            self.put(Subject(Kind.INVOICE, row["id"]), row)
        changed: dict[Kind, list[JsonObject]] = {kind: [] for kind in Kind}
        for subject, row in self._rows.items():  # new ones in order of arrival
            if subject in self._changed:
                changed[subject.kind].append(row)
        for kind in erasure.OF_CUSTOMERS:
            await erasure.blank(self._connection, kind, changed[kind])
        for kind, rows in changed.items():
            if rows:
                await mirrored_rows.write(self._connection, kind, rows)
                given_up = [(reference, it.id) for it, reference in self._given_up if it.kind is kind]
                await references.keep(self._connection, kind.value, rows, given_up)
        known = [invoice_id for invoice_id in self._items if Subject(Kind.INVOICE, invoice_id) in self._known]
        await item_statements.replace(self._connection, self._items, known)
        await store(self._connection, fulfillments, self.fulfillments.changed())
        await tombstones.bury(self._connection, self._buried)
        await setup_intent_statements.keep(self._connection, self.setups)
        notices = await due_notices.record(self._connection, self.reminders, self._invoice)
        told = noted_changes.rows((*self._changes, *self.fulfillments.changes, *notices), self._invoice)
        await change_statements.add(self._connection, told)
        await action_statements.enqueue(self._connection, self.fulfillments.reached)
        if self._erased:
            await erasure.forget(self._connection, self._erased)
