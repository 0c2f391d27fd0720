"""What must hold once everything is quiet: our state is Stripe's, field by field, and each payment is fulfilled once."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import asyncpg

from app.db.documents import several_statement
from app.db.mirrored_documents import whole
from app.db.resources import CREDIT_NOTE, CUSTOMER, DISPUTE, INVOICE, PAYMENT_PAGE, PRICE, PRODUCT, REFUND
from app.domain.sources import Personal
from app.domain.totals import unexplained
from app.stripe.mapping import FIELDS, ITEM, Kind
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Dashboard
from tests.lab.money import Money, money_must_hold

Json = dict[str, Any]

SAME_NAME = (
    "number", "status", "customer", "collection_method", "auto_advance", "currency", "subtotal", "total", "amount_due",
    "amount_paid", "amount_remaining", "description", "footer", "livemode",
)  # fmt: skip
TIMES = {"finalized_at", "paid_at", "voided_at", "marked_uncollectible_at"}
DECIDED = {"paid": "fulfilled", "void": "canceled", "uncollectible": "written_off"}
ATTEMPTED = {"processing": "processing", "requires_payment_method": "payment_failed"}


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Truth:
    """Everything Stripe has and told."""

    def __init__(self, objects: dict[str, list[Json]], events: list[Json]) -> None:
        self.invoices = {invoice["id"]: invoice for invoice in objects.get("invoice", [])}
        self.customers = {customer["id"]: customer for customer in objects.get("customer", [])}
        self._lines = defaultdict(list)
        for line in objects.get("line_item", []):
            self._lines[line["invoice"]].append(line)
        intents = {intent["id"]: intent for intent in objects.get("payment_intent", [])}
        payments = objects.get("invoice_payment", [])
        self._intents = {it["invoice"]: intents[it["payment"]["payment_intent"]] for it in payments if it["is_default"]}
        self._beside: dict[str, set[str]] = defaultdict(set)
        for it in payments:
            if it["status"] == "paid" and not it["is_default"]:
                self._beside[it["invoice"]].add(it["payment"]["payment_intent"])
        self.events = events
        self._told: dict[tuple[str, str | None], list[Json]] = defaultdict(list)
        for event in events:
            about = event["data"]["object"]
            self._told[event["type"], about.get("invoice" if about["object"] == "invoice_payment" else "id")].append(
                event
            )
        self.fulfilled = self._fulfilled()
        self.money = Money(objects)

    @classmethod
    async def of(cls, sandbox: Sandbox) -> Truth:
        return cls(await sandbox.state(), await Dashboard(sandbox).events())

    def invoice(self, invoice: Json) -> Json:
        expected = {name: invoice[name] for name in SAME_NAME}
        expected |= {name: _time(invoice["status_transitions"][name]) for name in TIMES}
        expected["due_at"] = _time(invoice["due_date"])
        expected["created_at"] = _time(invoice["created"])
        expected["metadata"] = invoice["metadata"]
        expected["addresses"] = invoice["status"] != "draft"  # which Stripe makes anew each time it shows the invoice
        expected["items"] = sorted((it["id"], it["amount"], it["description"]) for it in self._lines[invoice["id"]])
        return expected

    def fulfillment(self, invoice: Json) -> Json | None:
        if invoice["status"] == "draft":
            return None
        intent = self._intents.get(invoice["id"], {"status": "none"})
        failed = self._told["payment_intent.payment_failed", intent.get("id")]
        attempted = ATTEMPTED.get(intent["status"]) if failed or intent["status"] == "processing" else None
        error = self._last_error(failed)
        decided = DECIDED.get(invoice["status"])
        if invoice["id"] in self.fulfilled:
            decided = self.money.status(invoice)
        elif decided == "fulfilled":
            decided = "canceled"  # by a credit note
        return {
            "status": decided or attempted or "awaiting_payment",
            "attempts": len(self._told["invoice.payment_failed", invoice["id"]]),
            "failure": (error.get("code"), error.get("decline_code")),
            "amount_paid": invoice["amount_paid"],
        }

    def _fulfilled(self) -> set[str]:
        """The invoices that were paid once; a credit note over all of one calls it off, and is told in the same words."""
        paid = [event["data"]["object"] for event in self.events if event["type"] == "invoice.paid"]
        return {
            invoice["id"]
            for invoice in paid
            if invoice["amount_paid"] or not invoice["total"] or not invoice["pre_payment_credit_notes_amount"]
        }

    def intent(self, invoice: Json) -> str | None:
        """The PaymentIntent that pays the invoice by default."""
        found: str | None = self._intents.get(invoice["id"], {}).get("id")
        return found

    def processing(self, invoice: Json) -> bool:
        """Whether a debit of the invoice is under way."""
        return bool(self._intents.get(invoice["id"], {}).get("status") == "processing")

    def paid_beside(self, invoice: Json) -> set[str]:
        """The PaymentIntents that paid the invoice beside its own."""
        return self._beside[invoice["id"]]

    def detached(self, invoice: Json) -> set[str]:
        """The PaymentIntents that paid the invoice, or a part of it, and were detached."""
        gone = self._told["invoice_payment.detached", invoice["id"]]
        return {event["data"]["object"]["payment"]["payment_intent"] for event in gone}

    @staticmethod
    def _last_error(failed: list[Json]) -> Json:
        """The reason of the last failure; where several carry its second, any of them is right."""
        return dict(failed[-1]["data"]["object"]["last_payment_error"]) if failed else {}

    def reasons(self, invoice: Json) -> set[tuple[Any, Any]]:
        """Every reason that was given in the second of the last failure."""
        intent = self._intents.get(invoice["id"], {})
        failed = self._told["payment_intent.payment_failed", intent.get("id")]
        last = max((it["created"] for it in failed), default=0)
        errors = [it["data"]["object"]["last_payment_error"] for it in failed if it["created"] == last]
        return {(error.get("code"), error.get("decline_code")) for error in errors} or {(None, None)}


async def must_hold(truth: Truth, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Compare everything. Raises AssertionError naming what differs."""
    unapplied = await connection.fetch(
        "SELECT id, type, status, last_error FROM webhook_events WHERE status NOT IN ('processed', 'ignored')"
    )
    assert not unapplied, f"not quiet: {[tuple(row) for row in unapplied]}"
    for invoice_id, invoice in truth.invoices.items():
        assert await _invoice(connection, invoice_id) == truth.invoice(invoice), invoice_id
        await _later(truth, connection, invoice)
        await _fulfillment(truth, invoice, connection)
    live = {row["id"] for row in await connection.fetch("SELECT id FROM invoices WHERE deleted_at IS NULL")}
    assert live == truth.invoices.keys()
    known = {row["id"] for row in await connection.fetch("SELECT id FROM customers WHERE deleted_at IS NULL")}
    assert truth.customers.keys() <= known
    await money_must_hold(truth.money, connection)
    await _once(truth, connection)
    await documents_must_hold(connection)


async def documents_must_hold(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Every row holds its document, and it is what its columns make; later fields have none. Invoices add up."""
    for resource in (PRODUCT, PRICE, CUSTOMER, INVOICE, PAYMENT_PAGE, REFUND, CREDIT_NOTE, DISPUTE):
        ids = [row["id"] for row in await connection.fetch(f"SELECT id FROM {resource.table}")]  # noqa: S608
        told = []
        for stored in (True, False):
            rows = await several_statement(resource, stored=stored).fetch(connection, ids=ids)
            shown = {row[0]: json.loads(whole(row[1])) for row in rows if row[1]}
            told.append({key: _of_columns(document) for key, document in shown.items()})
            if resource is INVOICE and stored:
                assert not {key: wrong for key, document in shown.items() if (wrong := unexplained(document))}
        assert told[0] == told[1], resource.name


def _of_columns(document: Json) -> Json:
    later = {name for fields in FIELDS.values() for name in fields.later}
    shown = {name: value for name, value in document.items() if name not in later}
    if items := shown.get("items"):
        shown["items"] = [{name: value for name, value in it.items() if name not in ITEM.later} for it in items]
    return shown


async def _later(truth: Truth, connection: asyncpg.Connection[asyncpg.Record], invoice: Json) -> None:
    """What no column holds is what Stripe says, once an event told it.

    A draft shows the customer as of now, and no event of the invoice tells that. An attempt that is `processing` is
    told with its outcome.
    """
    fields = FIELDS[Kind.INVOICE]
    untold = (
        {*fields.marked(Personal), "customer_tax_exempt", "starting_balance"} if invoice["status"] == "draft" else set()
    )
    if truth.processing(invoice):
        untold |= {"attempted", "attempt_count"}
    names = fields.later.keys() - untold
    document = await connection.fetchval("SELECT document FROM invoices WHERE id = $1", invoice["id"])
    found = fields.later_in(json.loads(document))
    read = fields.read(invoice) if fields.later else {}
    assert {name: found[name] for name in names} == {name: read[name] for name in names}, invoice["id"]


async def _invoice(connection: asyncpg.Connection[asyncpg.Record], invoice_id: str) -> Json | None:
    row = await connection.fetchrow(
        "SELECT *, metadata::text AS meta FROM invoices WHERE id = $1 AND deleted_at IS NULL", invoice_id
    )
    if row is None:
        return None
    found = {name: row[name] for name in (*SAME_NAME, *TIMES, "due_at", "created_at")}
    items = await connection.fetch(
        "SELECT line_item, amount, description FROM invoice_items WHERE invoice = $1", invoice_id
    )
    found["addresses"] = bool(row["hosted_invoice_url"] and row["invoice_pdf"])
    reference = {"reference": row["reference"]} if row["reference"] else {}
    return found | {"metadata": json.loads(row["meta"]) | reference, "items": sorted(tuple(item) for item in items)}


async def _fulfillment(truth: Truth, invoice: Json, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    row = await connection.fetchrow("SELECT * FROM fulfillments WHERE invoice = $1", invoice["id"])
    expected = truth.fulfillment(invoice)
    if expected is None or row is None:
        assert row is None, f"{invoice['id']} is {invoice['status']} and has {row}"
        assert expected is None, f"{invoice['id']} is {invoice['status']} and lacks {expected}"
        return
    failure = (row["failure_code"], row["failure_decline_code"])
    status = row["later_status"] or row["status"]
    found = {"status": status, "attempts": row["attempts"], "amount_paid": row["amount_paid"]}
    amount = expected["amount_paid"] if row["status"] == "fulfilled" else 0
    told = {"status": expected["status"], "attempts": expected["attempts"], "amount_paid": amount}
    assert found == told, f"{invoice['id']} is {invoice['status']}"
    assert failure in truth.reasons(invoice), invoice["id"]
    beside = truth.paid_beside(invoice)
    if gone := truth.detached(invoice):  # it may still show the one that it was fulfilled for
        assert row["payment_intent"] in gone | beside | {truth.intent(invoice)}, invoice["id"]
    else:
        assert not beside or row["payment_intent"] == max(beside), invoice["id"]


async def _once(truth: Truth, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Each paid invoice became fulfilled once, or what its money came back as since, and no event was stored twice."""
    begun = "('fulfilled', 'disputed', 'reversed')"
    rows = await connection.fetch(
        "SELECT invoice FROM changes WHERE subject = 'fulfillment'"  # noqa: S608
        f" AND became IN {begun} AND (was IS NULL OR was NOT IN {begun})"
    )
    times = Counter(row["invoice"] for row in rows)
    assert dict(times) == dict.fromkeys(truth.fulfilled, 1)
    stored = {row["id"] for row in await connection.fetch("SELECT id FROM webhook_events")}
    assert stored <= {event["id"] for event in truth.events}
