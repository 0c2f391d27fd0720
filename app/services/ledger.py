"""Owns one transaction's picture of what is mirrored: which snapshots apply, and what follows for fulfillments.

Load the rows of some subjects (their locks are held from then on), apply snapshots and words of payment attempts,
flush. Everything between load and flush is plain computation; the order of arrival never changes the outcome.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from app.db import items, references
from app.db.engine import Connection
from app.db.models import Customer, Fulfillment, Invoice, InvoicePayment, Model, Price, Product
from app.db.records import load, lock, store
from app.domain.fulfillment import Attempt, FulfillmentStatus, follow_attempt, follow_invoice
from app.domain.invoice import DELETED_RANK, RANK, InvoiceStatus, advance
from app.domain.json import JsonObject
from app.domain.snapshot import Verdict, Version, judge
from app.stripe_gateway.mapping import Kind, Snapshot

MODELS: dict[Kind, type[Model]] = {
    Kind.PRODUCT: Product,
    Kind.PRICE: Price,
    Kind.CUSTOMER: Customer,
    Kind.INVOICE: Invoice,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One Stripe object, by kind and id."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt to pay failed, in Stripe's codes and Stripe's words for the customer."""

    code: str | None
    decline_code: str | None
    message: str | None


class Unordered(Exception):
    """A snapshot that times cannot order, or that is incomplete: fetch `subject` once and apply that instead."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(f"{subject.kind.value} {subject.id} must be fetched")
        self.subject = subject


class Incomplete(Unordered):
    """A snapshot that shows only some of the invoice's items, where all of them are needed."""


class Ledger:
    """The rows that one transaction reads and writes."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now.isoformat()
        self._rows: dict[Subject, JsonObject] = {}
        self._fulfillments: dict[str, JsonObject] = {}
        self._changed: set[Subject] = set()
        self._changed_fulfillments: set[str] = set()
        self._items: dict[str, list[JsonObject]] = {}
        self._links: dict[str, JsonObject] = {}

    @classmethod
    async def of(cls, connection: Connection, subjects: Iterable[Subject]) -> Self:
        """Lock `subjects` for the rest of the transaction and read their rows and their fulfillments."""
        wanted = list(subjects)
        ledger = cls(connection, datetime.now(UTC))
        await lock(connection, (subject.id for subject in wanted))
        ids: defaultdict[Kind, list[str]] = defaultdict(list)
        for subject in wanted:
            ids[subject.kind].append(subject.id)
        for kind, kind_ids in ids.items():
            rows = await load(connection, MODELS[kind], kind_ids)
            ledger._rows |= {Subject(kind, row_id): row for row_id, row in rows.items()}
        ledger._fulfillments = await load(connection, Fulfillment, ids[Kind.INVOICE], by="invoice")
        return ledger

    def row(self, subject: Subject) -> JsonObject | None:
        """What is known of `subject`, or None."""
        return self._rows.get(subject)

    def fulfillment(self, invoice_id: str) -> JsonObject | None:
        """The invoice's fulfillment, or None while there is none."""
        return self._fulfillments.get(invoice_id)

    def apply(self, snapshot: Snapshot) -> Verdict:
        """Take `snapshot` in where it is the newer. Raises Unordered where only Stripe can tell."""
        subject = Subject(snapshot.kind, snapshot.id)
        known = self._rows.get(subject)
        verdict = judge(_version(subject.kind, known) if known else None, snapshot.version)
        if verdict is Verdict.FETCH:
            raise Unordered(subject)
        for link in snapshot.links:
            self._links[link["payment_intent"]] = link
        if verdict is Verdict.APPLY and (known or not snapshot.stub):
            self._take_items(subject, known, snapshot)
            self._merge(subject, known, snapshot)
        elif (
            verdict is Verdict.SAME
            and known
            and datetime.fromisoformat(known["snapshot_until"]) < snapshot.version.until
        ):
            self._rows[subject] = known | _span(snapshot.version)
            self._changed.add(subject)
        return verdict

    def _merge(self, subject: Subject, known: JsonObject | None, snapshot: Snapshot) -> None:
        row: JsonObject = {"deleted_at": None, "payment_intent": None, **(known or {}), **snapshot.row}
        row |= _span(snapshot.version)
        if subject.kind is Kind.INVOICE:
            row["status"] = advance(known["status"] if known else None, row["status"])
        row["updated_at"] = self._now
        row["snapshot_digest"] = snapshot.version.digest
        if snapshot.deleted:
            row["deleted_at"] = self._now
        self._rows[subject] = row
        self._changed.add(subject)

    def _take_items(self, subject: Subject, known: JsonObject | None, snapshot: Snapshot) -> None:
        """Replace a draft's items. A finalized invoice's items are frozen, so they are taken in once.

        Where only the first few are shown, nothing tells whether the others changed: all must be asked for.
        """
        if subject.kind is not Kind.INVOICE or snapshot.deleted:
            return
        frozen = known is not None and known["status"] != InvoiceStatus.DRAFT
        if frozen or (known and known["lines_digest"] == snapshot.row["lines_digest"]):
            return
        if not snapshot.items_complete:
            raise Incomplete(subject)
        self._items[subject.id] = snapshot.items

    def follow_invoice(self, invoice_id: str) -> None:
        """Let the invoice's fulfillment follow the invoice's status: the one place where a payment is fulfilled."""
        invoice = self._rows.get(Subject(Kind.INVOICE, invoice_id))
        if invoice is None or invoice["deleted_at"]:
            return
        known = self._fulfillments.get(invoice_id)
        status = follow_invoice(known["status"] if known else None, invoice["status"])
        if status is None or (known and known["status"] == status):
            return
        row = self._fulfillment_row(invoice)
        row["status"] = status
        if status is FulfillmentStatus.FULFILLED:
            row |= {
                "fulfilled_at": self._now,
                "amount_paid": invoice["amount_paid"],
                "paid_out_of_band": invoice["paid_out_of_band"],
                "payment_intent": None
                if invoice["paid_out_of_band"]
                else row["payment_intent"] or invoice["payment_intent"],
            }
        self._put_fulfillment(row)

    def follow_attempt(
        self,
        invoice_id: str,
        attempt: Attempt,
        at: datetime,
        *,
        payment_intent: str | None = None,
        failure: Failure | None = None,
        truth: bool = False,
    ) -> bool:
        """Record that an attempt to pay is processing or failed, dated `at` by Stripe.

        False: it cannot be ordered against the last word, so the PaymentIntent must be asked; `truth` marks that
        answer, which always counts while the invoice can still be paid.
        """
        row = self._fulfillment_row(self._rows[Subject(Kind.INVOICE, invoice_id)])
        known_at = None if truth or not row["attempt_at"] else datetime.fromisoformat(row["attempt_at"])
        status = follow_attempt(row["status"], attempt, at, known_at)
        if status is None:
            return False
        if status.value != attempt.value or (known_at is not None and at < known_at):
            return True
        row |= {"status": status, "attempt_at": at.isoformat()}
        row["payment_intent"] = payment_intent or row["payment_intent"]
        if failure:
            row |= {
                "failure_code": failure.code,
                "failure_decline_code": failure.decline_code,
                "failure_message": failure.message,
            }
        self._put_fulfillment(row)
        return True

    def count_attempt(self, invoice_id: str) -> None:
        """Count one failed attempt; called once per event, so that the order of events does not matter."""
        row = self._fulfillment_row(self._rows[Subject(Kind.INVOICE, invoice_id)])
        row["attempts"] += 1
        self._put_fulfillment(row)

    def _fulfillment_row(self, invoice: JsonObject) -> JsonObject:
        known = self._fulfillments.get(invoice["id"])
        if known:
            return dict(known)
        return {
            "id": f"ful_{uuid.uuid4().hex}",
            "invoice": invoice["id"],
            "customer": invoice["customer"],
            "status": FulfillmentStatus.AWAITING_PAYMENT,
            "amount_paid": 0,
            "currency": invoice["currency"],
            "payment_intent": invoice["payment_intent"],
            "paid_out_of_band": False,
            "attempts": 0,
            "created_at": self._now,
            "attempt_at": None,
        }

    def _put_fulfillment(self, row: JsonObject) -> None:
        self._fulfillments[row["invoice"]] = row | {"updated_at": self._now}
        self._changed_fulfillments.add(row["invoice"])

    async def flush(self) -> None:
        """Write what changed, parents first."""
        for kind, model in MODELS.items():
            rows = [self._rows[subject] for subject in self._changed if subject.kind is kind]
            await store(self._connection, model, rows)
            await self._keep_references(kind, rows)
        await items.replace(self._connection, self._items)
        await store(self._connection, InvoicePayment, list(self._links.values()))
        changed = [self._fulfillments[invoice_id] for invoice_id in self._changed_fulfillments]
        await store(self._connection, Fulfillment, changed)
        self._changed.clear()
        self._changed_fulfillments.clear()

    async def _keep_references(self, kind: Kind, rows: Sequence[JsonObject]) -> None:
        owned = [(row["reference"], row["id"]) for row in rows if row["reference"] and not row["deleted_at"]]
        if owned:
            await references.settle(self._connection, kind.value, owned)
        deleted = [row["id"] for row in rows if row["reference"] and row["deleted_at"]]
        if deleted:
            await references.free(self._connection, objects=deleted)


def _span(version: Version) -> JsonObject:
    return {"snapshot_since": version.since.isoformat(), "snapshot_until": version.until.isoformat()}


def _version(kind: Kind, row: JsonObject) -> Version:
    rank = DELETED_RANK if row["deleted_at"] else RANK[InvoiceStatus(row["status"])] if kind is Kind.INVOICE else 0
    return Version(
        rank,
        datetime.fromisoformat(row["snapshot_since"]),
        datetime.fromisoformat(row["snapshot_until"]),
        "deleted" if row["deleted_at"] else row["snapshot_digest"],
    )
