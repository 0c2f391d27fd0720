"""The unit of work: the mirrored rows that one transaction reads and writes.

Load the rows of some subjects (which locks them), apply snapshots and reports on payment attempts, and flush. Between
load and flush it only computes. The order of arrival does not change the outcome.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from app.db.engine import Connection
from app.db.rows import load, lock, store
from app.db.schema import fulfillments
from app.domain import returns
from app.domain.changes import Change, invoice_status, note
from app.domain.errors import NotAtStripe
from app.domain.events import INVOICE
from app.domain.invoice import InvoiceStatus, advance
from app.domain.json import JsonObject, JsonView
from app.domain.policy import DEFAULT
from app.domain.snapshot import Verdict, Version, judge
from app.fulfillment import action_statements, policy_statements
from app.fulfillment.fulfillments import Fulfillments
from app.idempotency import references
from app.projection import change_statements, erasure, erasure_statements, item_statements, mirrored_rows, tombstones
from app.projection.mirrored_rows import completed_items, items_document
from app.stripe.mapping import FIELDS, ITEM, RETURNS, VERSIONS, InvoicePayment, Kind, Snapshot, lines_digest

SECOND = timedelta(seconds=1)

CHANGED_BY = ("status", "deleted_at", "snapshot_digest", "lines_digest", "payment_intent")
"""Columns of an invoice. One of them, or a later digest, changes whenever its content does."""

ERASED_CUSTOMER = FIELDS[Kind.CUSTOMER].blank


class Subject(NamedTuple):
    """A Stripe object by kind and id."""

    kind: Kind
    id: str


class Unordered(Exception):
    """A snapshot cannot be ordered by times, or is incomplete: fetch `subject` and apply that instead.

    `over` is the revision known now; the fetched snapshot is newer than that.
    """

    def __init__(self, subject: Subject, over: int) -> None:
        super().__init__(f"{subject.kind.value} {subject.id} must be fetched")
        self.subject = subject
        self.over = over


class Incomplete(Unordered):
    """A snapshot shows only some of the invoice's items, and all are needed."""


class UnitOfWork:
    """The rows of one transaction, for one flush.

    `cause` (an event's or operation's id) is recorded with each change. `fulfillments` are those of the invoices.
    """

    def __init__(self, connection: Connection, now: datetime, cause: str | None) -> None:
        self._connection = connection
        self._now = now.isoformat()
        self._known: set[Subject] = set()
        self._gone: set[str] = set()
        self._rows: dict[Subject, JsonObject] = {}
        self._changed: set[Subject] = set()
        self._items: dict[str, list[JsonObject]] = {}
        self._payments: dict[str, InvoicePayment] = {}
        self._paid_by: dict[str, list[str]] = {}
        self._buried: set[str] = set()
        self._given_up: set[tuple[Subject, str]] = set()
        self._erased: dict[str, str | None] = {}
        self._changes: list[Change] = []
        self.fulfillments = Fulfillments({}, self._now, cause)

    @classmethod
    async def of(cls, connection: Connection, subjects: Iterable[Subject], *, cause: str | None = None) -> Self:
        """Lock `subjects` until the transaction ends, and read their rows and fulfillments."""
        wanted = list(subjects)
        await lock(connection, (subject.id for subject in wanted))
        return await cls.of_locked(connection, wanted, cause=cause)

    @classmethod
    async def of_locked(cls, connection: Connection, wanted: Sequence[Subject], *, cause: str | None = None) -> Self:
        """The same for subjects that this transaction has locked by an earlier statement.

        One statement for both would read rows as they were before the lock.
        """
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
        new = any(invoice_id not in rows for invoice_id in ids[Kind.INVOICE])
        policy = await policy_statements.current(connection) if new else DEFAULT
        unit.fulfillments = Fulfillments(rows, unit._now, cause, policy)
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
            self._rows |= {Subject(kind, row_id): row for row_id, row in rows.items()}
        owners = {row["invoice"] for subject, row in self._rows.items() if subject.kind in RETURNS} - set(invoices)
        rows = await mirrored_rows.read(self._connection, Kind.INVOICE, owners)
        self._rows |= {Subject(Kind.INVOICE, row_id): row for row_id, row in rows.items()}

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo what the block did if it raises, so that half an event is never written."""
        parts = ("_rows", "_changed", "_items", "_payments", "_paid_by", "_buried", "_given_up", "_erased", "_changes")
        kept = {part: getattr(self, part).copy() for part in parts}
        fulfillments = self.fulfillments.copy()
        try:
            yield
        except BaseException:
            for part, state in kept.items():
                setattr(self, part, state)
            self.fulfillments = fulfillments
            raise

    @property
    def cause(self) -> str | None:
        """The cause of the changes that follow."""
        return self.fulfillments.cause

    @cause.setter
    def cause(self, cause: str | None) -> None:
        self.fulfillments.cause = cause

    def row(self, subject: Subject) -> JsonObject | None:
        """The row of `subject`; None if it is unknown."""
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
        """Whether `subject` is known to be deleted."""
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
            verdict is Verdict.SAME and known and _not_older(snapshot.version, known)
        )
        if newer:
            if known is None and snapshot.stub:
                self._buried.add(subject.id)
                self._gone.add(subject.id)
                return verdict
            items_taken = self._take_items(subject, known, snapshot)
            if verdict is Verdict.APPLY:
                self._merge(subject, known, snapshot, items_taken)
            elif known:
                self._confirm(subject, known, snapshot, items_taken)
        for payment in snapshot.payments:
            self.link(payment, newer=newer)
        return verdict

    def _merge(self, subject: Subject, known: JsonObject | None, snapshot: Snapshot, items_taken: JsonObject) -> None:
        blank = {"deleted_at": None, "revision": 0, "lines_digest": "", "items_document": "[]"}
        row: JsonObject = {**blank, **(known or {}), **snapshot.row, **items_taken}
        row["document_version"] = self._document_version(known, snapshot)
        since, until = snapshot.version.since, snapshot.version.until
        if snapshot.version.first:
            since = until = since - SECOND  # whatever else carries its second came after it
        if known and snapshot.version.timeless:
            since, until = (datetime.fromisoformat(known[f"snapshot_{name}"]) for name in ("since", "until"))
        asked = known is not None and snapshot.version.over == known["revision"]
        row |= {
            "snapshot_since": since.isoformat(),
            "snapshot_until": until.isoformat(),
            "snapshot_digest": snapshot.version.digest,
            "later_digests": snapshot.version.later or None,
            "revision": row["revision"] + 1,
            "updated_at": self._now,
        }
        if known and known.get("reference") and known["reference"] != row["reference"]:
            self._given_up.add((subject, known["reference"]))
        if subject.kind is Kind.INVOICE:
            row["status"] = advance(known["status"] if known else None, row["status"], asked=asked)
        if snapshot.deleted or (
            subject.id in self._gone and row.get("status", InvoiceStatus.DRAFT) == InvoiceStatus.DRAFT
        ):
            row["deleted_at"] = row["deleted_at"] or self._now
            if subject.kind is Kind.INVOICE:
                self._items[subject.id], row["items_document"] = [], items_document([])
        else:
            row["deleted_at"] = None
        if subject.kind is Kind.INVOICE:
            row["payment_intent"] = known["payment_intent"] if known else self._default_link(subject.id)
            if known and snapshot.payments_complete and row["amount_paid"] < known["amount_paid"]:
                self._paid_by[subject.id] = [payment.payment_intent for payment in snapshot.payments]
            self._note_invoice(known, row)
        if subject.kind in RETURNS:
            invoice = self._rows[Subject(Kind.INVOICE, row["invoice"])]
            row |= {name: invoice[name] for name in ("customer", "livemode")}
            self._note_return(subject.kind, known, row)
        self._put(subject, row)

    def _confirm(self, subject: Subject, known: JsonObject, snapshot: Snapshot, items_taken: JsonObject) -> None:
        """Record that the known content was still current later.

        Fields that are not content (addresses of hosted pages) follow.

        So do fields that the release that wrote the row did not know.
        """
        version, known_until = snapshot.version, datetime.fromisoformat(known["snapshot_until"])
        since = max(datetime.fromisoformat(known["snapshot_since"]), version.since)
        until = max(known_until, version.until)
        row = known | snapshot.row | items_taken
        row |= {"snapshot_since": since.isoformat(), "snapshot_until": until.isoformat()}
        row |= {"later_digests": version.later or None, "document_version": self._document_version(known, snapshot)}
        as_late = version.over == known["revision"] or (version.since >= known_until and not version.first)
        passed = as_late and not known["deleted_at"] and any(known.get(name) != row[name] for name in snapshot.row)
        if items_taken or passed or known_until < until:
            row["revision"] += 1
            if subject.kind is Kind.INVOICE:
                self._note_invoice(known, row)
            self._put(subject, row)

    @staticmethod
    def _document_version(known: JsonObject | None, snapshot: Snapshot) -> int:
        """The version of the row's fields after `snapshot` is applied. A stub does not change it."""
        return int(known["document_version"]) if snapshot.stub and known else VERSIONS[snapshot.kind]

    def _take_items(self, subject: Subject, known: JsonObject | None, snapshot: Snapshot) -> JsonObject:
        """Replace a draft's items. Returns the columns that change. A finalized invoice's items are taken only once."""
        if subject.kind is not Kind.INVOICE or snapshot.deleted:
            return {}
        frozen = known is not None and known["status"] != InvoiceStatus.DRAFT
        if known and frozen and not ITEM.lacking(known["document_version"]):
            return {}
        if not snapshot.items_complete:
            raise Incomplete(subject, self.revision(subject))
        document = items_document(snapshot.items)
        digest = lines_digest(snapshot.items)
        if known and known["lines_digest"] == digest and not known["deleted_at"]:
            return {} if known["items_document"] == document else {"items_document": document}
        if frozen:
            return {"items_document": completed_items(known["items_document"])} if known else {}
        self._items[subject.id] = snapshot.items
        return {"lines_digest": digest, "items_document": document}

    def _put(self, subject: Subject, row: JsonObject) -> None:
        if subject.kind is Kind.CUSTOMER and row["deleted_at"]:
            row |= ERASED_CUSTOMER
            self._erased[subject.id] = self.cause
        self._rows[subject] = row
        self._changed.add(subject)

    # Which PaymentIntent pays an invoice

    def link(self, payment: InvoicePayment, *, newer: bool = True) -> None:
        """Record that a PaymentIntent pays an invoice.

        The invoice shows the default one, its fulfillment the one that paid.

        `newer`: the payment does not come from an older snapshot than the known one. An older one does not change the
        default.
        """
        subject = Subject(Kind.INVOICE, payment.invoice)
        invoice = self._rows.get(subject)
        if not newer and invoice and invoice["payment_intent"] not in {None, payment.payment_intent}:
            payment = replace(payment, is_default=False)
        self._payments[payment.payment_intent] = payment
        if invoice is None:
            return
        shown = invoice["payment_intent"]
        if shown != payment.payment_intent and payment.is_default:
            linked = invoice | {"payment_intent": payment.payment_intent, "updated_at": self._now}
            self._note_invoice(invoice, linked)
            self._put(subject, linked)
            self.fulfillments.link(subject.id, payment.payment_intent, instead_of=shown)
        if payment.paid and not payment.is_default:
            self.fulfillments.paid_beside(subject.id, payment.payment_intent, default=shown)

    def _default_link(self, invoice_id: str) -> str | None:
        payments = self._payments.values()
        ours = (it.payment_intent for it in payments if it.invoice == invoice_id and it.is_default)
        return max(ours, default=None)

    def follow(self, subject: Subject) -> bool:
        """Let the fulfillment follow `subject`, where it is an invoice or what came back of one.

        Returns whether the fulfillment's status changed.
        """
        row = self._rows.get(subject)
        if subject.kind is Kind.INVOICE:
            return self.follow_invoice(subject.id)
        return subject.kind in RETURNS and row is not None and self.follow_returns(row["invoice"])

    def follow_invoice(self, invoice_id: str) -> bool:
        """Let the fulfillment follow its invoice. Returns whether the fulfillment's status changed."""
        invoice = self._rows.get(Subject(Kind.INVOICE, invoice_id))
        if invoice is None or invoice["deleted_at"]:
            return False
        return self.fulfillments.follow_invoice(invoice)

    def follow_returns(self, invoice_id: str) -> bool:
        """Let the fulfillment follow what came back of its invoice. Returns whether its status changed."""
        refunds, notes, disputes = (self.returns_of(kind, invoice_id) for kind in RETURNS)
        found = returns.returned(
            [returns.Refund(row["id"], row["amount"], row["status"]) for row in refunds],
            [returns.CreditNote(row["post_payment_amount"], row["status"], _paid_out(row["refunds"])) for row in notes],
            [returns.Dispute(row["amount"], row["status"]) for row in disputes],
        )
        return self.fulfillments.follow_returns(self._rows[Subject(Kind.INVOICE, invoice_id)], found)

    def returns_of(self, kind: Kind, invoice_id: str) -> list[JsonObject]:
        """The refunds, credit notes or disputes of the invoice. All are known if one of them was wanted."""
        return [row for subject, row in self._rows.items() if subject.kind is kind and row["invoice"] == invoice_id]

    # What is written

    def _note_invoice(self, known: JsonObject | None, row: JsonObject) -> None:
        """Record a change of the invoice if its status or other content changed."""
        later = zip((known or {}).get("later_digests") or (), row["later_digests"] or (), strict=False)
        if (
            known is None
            or any(known[name] != row[name] for name in CHANGED_BY)
            or any(one != another for one, another in later)
        ):
            was, state = invoice_status(known) if known else None, mirrored_rows.invoice_state(row)
            error = row.get("last_finalization_error")
            refused = error is not None and error != (known or {}).get("last_finalization_error")
            if refused and known is None:
                note(self._changes, Change(INVOICE, was, state, self.cause))
                was = state["status"]
            note(self._changes, Change(INVOICE, was, state, self.cause, refused=refused))

    def _note_return(self, kind: Kind, known: JsonObject | None, row: JsonObject) -> None:
        """Record a change of a refund, credit note or dispute if its content changed."""
        now = mirrored_rows.version_of(kind, row)
        if known is None or not now.same_content(mirrored_rows.version_of(kind, known)):
            was = str(known["status"]) if known else None
            note(self._changes, Change(kind.value, was, mirrored_rows.return_state(kind, row), self.cause))

    async def flush(self) -> None:
        """Write the changes, parents first."""
        await self._erase_invoices()
        for kind in Kind:
            changed = (subject for subject in self._rows if subject in self._changed)  # new ones in order of arrival
            rows = [self._rows[subject] for subject in changed if subject.kind is kind]
            await mirrored_rows.write(self._connection, kind, rows)
            await self._keep_references(kind, rows)
        await item_statements.replace(self._connection, self._items)
        await item_statements.keep_payments(self._connection, list(self._payments.values()))
        await item_statements.detach(self._connection, self._paid_by)
        await store(self._connection, fulfillments, self.fulfillments.changed())
        await tombstones.bury(self._connection, self._buried)
        await change_statements.add(self._connection, self._told())
        await action_statements.enqueue(self._connection, self.fulfillments.reached())
        if self._erased:
            await erasure.forget(self._connection, self._erased)

    async def _erase_invoices(self) -> None:
        """Remove personal data from invoices whose customer is erased, whatever Stripe still sends."""
        blank = FIELDS[Kind.INVOICE].blank
        changed = [subject for subject in self._changed if subject.kind is Kind.INVOICE] if blank else []
        customers = {customer for subject in changed if (customer := self._rows[subject]["customer"])}
        erased = await erasure_statements.erased_among(self._connection, customers)
        for subject in changed:
            if self._rows[subject]["customer"] in erased:
                self._rows[subject] |= blank

    def _told(self) -> list[JsonObject]:
        """The rows of the changes, each with its invoice's state now."""
        states = {change.invoice: change.state for change in self._changes if change.subject == INVOICE}
        told = []
        for change in (*self._changes, *self.fulfillments.changes):
            if change.invoice not in states:
                states[change.invoice] = mirrored_rows.invoice_state(self._rows[Subject(Kind.INVOICE, change.invoice)])
            told.append(change.row(change.state if change.subject == INVOICE else states[change.invoice]))
        return told

    async def _keep_references(self, kind: Kind, rows: Sequence[JsonObject]) -> None:
        owned = [(row["reference"], row["id"]) for row in rows if row.get("reference") and not row["deleted_at"]]
        given_up = [(reference, subject.id) for subject, reference in self._given_up if subject.kind is kind]
        if given_up:
            await references.give_up(self._connection, kind.value, given_up)
        if owned:
            await references.settle(self._connection, kind.value, owned)
        deleted = [row["id"] for row in rows if row["deleted_at"]]
        if deleted:
            await references.free(self._connection, objects=deleted)


def _paid_out(refunds: Sequence[JsonView]) -> dict[str, int]:
    """How much of a credit note each of its refunds pays out, by the refund's id."""
    return {one["refund"]: one["amount"] for one in refunds if one["refund"]}


def _not_older(version: Version, known: JsonView) -> bool:
    return version.over == known["revision"] or version.until >= datetime.fromisoformat(known["snapshot_since"])
